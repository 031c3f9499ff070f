"""R8: the admin in the hands of somebody who wants more than it gives."""

import asyncio
import re
from uuid import UUID

import pytest

from tests.attacks.admin_browser import AdminBrowser, account, form_of, page_of
from tests.attacks.attacker import rows
from tests.attacks.enlist import ADMIN, STAFF, VICTIMS
from tests.attacks.trail import Trail
from tests.cast import DIRECTOR, OPERATIVE, Member
from tests.hq_server import HQServer
from tests.rest_client import RestClient


async def test_nobody_rises_by_the_admin(fort: HQServer, address: str, trail: Trail) -> None:
    """R8: own rights, accounts above the own rank, clearance or staff rights: refused."""
    victim = VICTIMS["m"]
    async with AdminBrowser(fort, address) as browser:
        assert (await browser.log_in(STAFF)).status_code == 302
        assert (await browser.get("/admin/agents/agent/")).status_code == 200
        kept = [account(fort, member) for member in (STAFF, DIRECTOR, ADMIN, victim)]
        for member, more in (
            (STAFF, {"role": "director", "is_staff": "on"}),
            (STAFF, {"clearance": 4, "is_staff": "on"}),
            (STAFF, {"is_staff": "on", "is_superuser": "on"}),
            (victim, {"role": "director"}),
            (victim, {"clearance": 4}),
            (victim, {"is_superuser": "on"}),
            (DIRECTOR, {"clearance": 1}),
            (ADMIN, {"role": "analyst"}),
        ):
            await browser.post(page_of(fort, member), **form_of(member, **more))
        for member in (DIRECTOR, ADMIN):
            secret = {"password1": "taken-over-by-staff-1", "password2": "taken-over-by-staff-1"}
            answer = await browser.post(page_of(fort, member, "password"), **secret)
            assert answer.status_code in (302, 403)
        assert [account(fort, member) for member in (STAFF, DIRECTOR, ADMIN, victim)] == kept
        for more in ({"role": "director"}, {"clearance": 4}, {"is_superuser": "on"}):
            await browser.post(
                "/admin/agents/agent/add/",
                username="puppet",
                codename="Puppet",
                usable_password="true",
                password1="a-puppet-for-staff-77",
                password2="a-puppet-for-staff-77",
                **{"role": "analyst", "clearance": 1, **more},
            )
        assert rows(fort, "SELECT 1 FROM agents_agent WHERE username = 'puppet'") == []
        # What staff may do, it can: the refusals above are not for lack of a right form.
        await browser.post(page_of(fort, victim), **form_of(victim, role="analyst"))
        assert account(fort, victim)[1] == "analyst"
    staff = str(UUID(account(fort, STAFF)[0]))
    trail.owes("authz_fail", "exceeds_own", address, actor=staff, attempts=9)
    trail.owes("authz_fail", "forbidden POST", address, actor=staff, attempts=4)


async def test_the_admin_hides_what_the_room_hides(
    fort: HQServer, address: str, director: RestClient, trail: Trail
) -> None:
    """R8: staff see no mission, body or audit row above their clearance or rank."""
    mission = await director.create_mission("Above Staff", classification="top-secret")
    async with AdminBrowser(fort, address) as browser:
        await browser.log_in(STAFF)
        listed = await browser.get("/admin/missions/mission/")
        assert listed.status_code == 200
        assert mission not in listed.text
        assert "Above Staff" not in listed.text
        answer = await browser.get(f"/admin/missions/mission/{mission}/change/")
        assert answer.status_code in (302, 403, 404)
        for path in ("missions/update/", "auth/group/", "otp_totp/totpdevice/", "axes/accesslog/"):
            assert (await browser.get(f"/admin/{path}")).status_code in (403, 404), path


async def test_the_security_pages_change_nothing(
    fort: HQServer, address: str, trail: Trail
) -> None:
    """R8: audit rows, sessions and connections have no form, not even for a superuser."""
    async with AdminBrowser(fort, address) as browser:
        assert (await browser.log_in(ADMIN)).status_code == 302
        for name in ("auditevent", "session", "connection"):
            page = f"/admin/agents/{name}/"
            assert (await browser.get(page)).status_code == 200
            assert (await browser.get(f"{page}add/")).status_code == 403
        number, event = rows(fort, "SELECT number, event FROM agents_auditevent LIMIT 1")[0]
        for what in ("change", "delete"):
            path = f"/admin/agents/auditevent/{number}/{what}/"
            answer = await browser.post(path, event="forged", post="yes")
            assert answer.status_code == 403
        kept = rows(fort, "SELECT event FROM agents_auditevent WHERE number = ?", number)
        assert kept == [(event,)]
    trail.owes("authz_fail", "forbidden GET", address)
    trail.owes("authz_fail", "forbidden POST", address)


async def test_an_ended_session_shows_no_admin_page(
    fort: HQServer, address: str, trail: Trail
) -> None:
    """R8: after `end_sessions` the next click is at the login page, the cookie worth nothing."""
    async with AdminBrowser(fort, address) as browser:
        await browser.log_in(ADMIN)
        assert (await browser.get("/admin/")).status_code == 200
        await asyncio.to_thread(fort.manage, "end_sessions", ADMIN.username)
        for path in ("/admin/", "/admin/agents/agent/", "/admin/agents/auditevent/"):
            answer = await browser.get(path)
            assert answer.status_code == 302
            assert answer.headers["Location"].startswith("/admin/login/")
    await trail.expect("session_ended", reason="administrator", address=None)
    trail.owes("authn_token_refused", "token_invalid admin", address)


@pytest.mark.parametrize("who", [OPERATIVE, DIRECTOR], ids=["operative", "director"])
async def test_who_is_no_staff_does_not_enter(
    who: Member, fort: HQServer, address: str, trail: Trail
) -> None:
    """R8: a right password is not enough, and an access token is no way in."""
    async with AdminBrowser(fort, address) as browser, RestClient(fort) as client:
        await browser.log_in(who)
        assert (await browser.get("/admin/")).status_code == 302
        await client.login(who)
        browser.cookies["jwt"] = client.access
        browser.cookies["sessionid"] = client.access
        assert (await browser.get("/admin/")).status_code == 302
    trail.owes("authn_login_fail", "not_staff", address, attempts=1)


async def test_staff_without_a_second_factor_reach_its_page_alone(
    gate: HQServer, address: str, gate_trail: Trail
) -> None:
    """R8: in production every page leads to the enrolment until a second factor is set."""
    async with AdminBrowser(gate, address) as browser:
        assert (await browser.log_in(STAFF)).status_code == 302
        before = account(gate, OPERATIVE)
        for path in ("/admin/", "/admin/agents/agent/", "/admin/agents/auditevent/"):
            answer = await browser.get(path)
            assert answer.status_code in (302, 403), path
            if answer.status_code == 302:
                assert "otp" in answer.headers["Location"] or re.search(
                    r"factor|mfa", answer.headers["Location"]
                )
        form = form_of(OPERATIVE, clearance=1)
        await browser.post(page_of(gate, OPERATIVE), **form)
        assert account(gate, OPERATIVE) == before
    gate_trail.owes("authz_fail", "second_factor", address, attempts=5)
