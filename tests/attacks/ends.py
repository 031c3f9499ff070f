"""Every way in which a session ends, for T12: each ends that of the client it is given."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from tests.attacks.admin_browser import AdminBrowser, account, form_of, page_of
from tests.attacks.attacker import rows
from tests.attacks.authenticator import enrol
from tests.attacks.enlist import ADMIN, VICTIMS
from tests.attacks.forging import Forge
from tests.cast import PASSWORD, Member
from tests.hq_server import HQServer
from tests.rest_client import RestClient

NEW = "another-horse-battery-staple"


class Ended(NamedTuple):
    """A way to end a session, of whom, and how it is called in the audit log."""

    by: Callable[[HQServer, RestClient], Awaitable[None]]
    victim: Member
    reason: str | None


async def by_logout(server: HQServer, client: RestClient) -> None:
    """The agent itself."""
    await client.call("POST", "/api/auth/logout")


async def by_password(server: HQServer, client: RestClient) -> None:
    """A change of the password in another session."""
    async with await RestClient(server).login(VICTIMS["e"]) as other:
        said = {"current_password": PASSWORD, "new_password": NEW}
        await other.call("POST", "/api/auth/password", said)


async def by_second_factor(server: HQServer, client: RestClient) -> None:
    """A second factor, enrolled in another session."""
    async with await RestClient(server).login(VICTIMS["f"]) as other:
        await enrol(other)


async def by_other_session(server: HQServer, client: RestClient) -> None:
    """“End this session” from another one."""
    async with await RestClient(server).login(VICTIMS["g"]) as other:
        await other.call("DELETE", f"/api/auth/sessions/{session_of(client)}")


async def by_all_others(server: HQServer, client: RestClient) -> None:
    """“End all others” from another one."""
    async with await RestClient(server).login(VICTIMS["h"]) as other:
        await other.call("DELETE", "/api/auth/sessions")
        assert await other.call("GET", "/api/auth/me")


async def by_disabling(server: HQServer, client: RestClient) -> None:
    """The account is disabled."""
    await asyncio.to_thread(server.manage, "set_access", VICTIMS["i"].username, "--disable")


async def by_command(server: HQServer, client: RestClient) -> None:
    """An operator on the machine."""
    await asyncio.to_thread(server.manage, "end_sessions", VICTIMS["j"].username)


async def by_deletion(server: HQServer, client: RestClient) -> None:
    """The account is gone from the database, and nobody was told."""
    agent = UUID(client.agent["id"]).hex
    for table in ("connection", "ticket", "session"):
        whose = "session_id IN (SELECT id FROM agents_session WHERE agent_id = ?)"
        rows(
            server,
            f"DELETE FROM agents_{table} WHERE "
            + ("agent_id = ?" if table == "session" else whose),
            agent,
        )
    rows(server, "DELETE FROM agents_agent WHERE id = ?", agent)


async def by_admin_of_sessions(server: HQServer, client: RestClient) -> None:
    """The admin's list of sessions."""
    await chosen(server, "session", "end", session_of(client))


async def by_admin_of_accounts(server: HQServer, client: RestClient) -> None:
    """The admin's list of accounts."""
    await chosen(server, "agent", "end_sessions", client.agent["id"])


async def by_admin_of_sockets(server: HQServer, client: RestClient) -> None:
    """The admin's list of open sockets."""
    session = UUID(session_of(client)).hex
    opened = "SELECT id FROM agents_connection WHERE session_id = ? AND closed_at IS NULL"
    ((connection,), *_) = rows(server, opened, session)
    await chosen(server, "connection", "end_sessions", str(UUID(connection)))


async def by_admin_s_password(server: HQServer, client: RestClient) -> None:
    """A new password, set by an admin."""
    secret = {"usable_password": "true", "password1": NEW, "password2": NEW}
    async with await entered(server) as browser:
        page = page_of(server, VICTIMS["r"], "password")
        assert (await browser.post(page, **secret)).status_code == 302


async def by_admin_s_removal(server: HQServer, client: RestClient) -> None:
    """The second factor, removed by an admin."""
    await enrol(client)
    assert await client.call("GET", "/api/auth/me")
    await chosen(server, "agent", "remove_second_factor", client.agent["id"])


async def by_admin_s_disabling(server: HQServer, client: RestClient) -> None:
    """The account is disabled on its page."""
    victim = VICTIMS["t"]
    form = {name: value for name, value in form_of(victim).items() if name != "is_active"}
    async with await entered(server) as browser:
        assert (await browser.post(page_of(server, victim), **form)).status_code == 302
    assert not account(server, victim)[5]


def session_of(client: RestClient) -> str:
    """The id of the client's session."""
    return str(Forge(client.access).claims["sid"])


async def entered(server: HQServer) -> AdminBrowser:
    """The superuser in the admin."""
    browser = AdminBrowser(server, "127.6.0.1")
    assert (await browser.log_in(ADMIN)).status_code == 302
    return browser


async def chosen(server: HQServer, page: str, action: str, row: str) -> None:
    """An action of the admin on one row."""
    async with await entered(server) as browser:
        sent = {"action": action, "_selected_action": row, "index": "0"}
        answer = await browser.post(f"/admin/agents/{page}/", **sent)
        assert answer.status_code == 302


ENDS = {
    "logout": Ended(by_logout, VICTIMS["b"], "logout"),
    "password change": Ended(by_password, VICTIMS["e"], "password_changed"),
    "second factor": Ended(by_second_factor, VICTIMS["f"], "mfa_changed"),
    "ended from another": Ended(by_other_session, VICTIMS["g"], "ended_by_agent"),
    "all others ended": Ended(by_all_others, VICTIMS["h"], "ended_by_agent"),
    "agent disabled": Ended(by_disabling, VICTIMS["i"], "disabled"),
    "end_sessions": Ended(by_command, VICTIMS["j"], "administrator"),
    "account deleted": Ended(by_deletion, VICTIMS["k"], None),
    "admin: sessions": Ended(by_admin_of_sessions, VICTIMS["o"], "administrator"),
    "admin: accounts": Ended(by_admin_of_accounts, VICTIMS["p"], "administrator"),
    "admin: sockets": Ended(by_admin_of_sockets, VICTIMS["q"], "administrator"),
    "admin: password": Ended(by_admin_s_password, VICTIMS["r"], "password_reset"),
    "admin: second factor": Ended(by_admin_s_removal, VICTIMS["s"], "mfa_changed"),
    "admin: disabled": Ended(by_admin_s_disabling, VICTIMS["t"], "disabled"),
}
