"""Somebody in the admin, as a browser at an address of 127.0.0.0/8 is."""

import re
from types import TracebackType
from typing import Any, Self

import httpx

from tests.attacks.attacker import rows
from tests.cast import PASSWORD, Member
from tests.hq_server import HQServer
from tests.patience import PATIENCE


class AdminBrowser:
    """A browser in the admin, which keeps cookies also where they are for HTTPS alone."""

    def __init__(self, server: HQServer, address: str) -> None:
        self.http = httpx.AsyncClient(
            base_url=server.url,
            timeout=PATIENCE,
            transport=httpx.AsyncHTTPTransport(local_address=address),
        )
        self.cookies: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def get(self, path: str) -> httpx.Response:
        """A page, without following where it leads."""
        return await self._send("GET", path)

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        """A form of that page, as the page itself would send it."""
        page = (await self.get(path)).text
        drawn = dict(re.findall(r'<input type="hidden" name="(drawn)" value="(\w+)"', page))
        token = {"csrfmiddlewaretoken": self.cookies.get("csrftoken", "")}
        return await self._send("POST", path, data={**token, **drawn, **fields})

    async def log_in(self, member: Member) -> httpx.Response:
        """The form of the login page."""
        return await self.post(
            "/admin/login/?next=/admin/", username=member.username, password=PASSWORD
        )

    async def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        sent = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.http.request(method, path, headers={"Cookie": sent}, **how)
        self.cookies |= dict(answer.cookies)
        self.http.cookies.clear()
        assert answer.status_code < 500
        return answer


def account(server: HQServer, member: Member) -> tuple[Any, ...]:
    """What the database holds of an account."""
    return rows(
        server,
        "SELECT id, role, clearance, is_staff, is_superuser, is_active, password"
        " FROM agents_agent WHERE username = ?",
        member.username,
    )[0]


def page_of(server: HQServer, member: Member, what: str = "change") -> str:
    """The admin's page of an account."""
    return f"/admin/agents/agent/{account(server, member)[0]}/{what}/"


def form_of(member: Member, **changes: Any) -> dict[str, Any]:
    """The fields of an account's page."""
    return {
        "username": member.username,
        "codename": member.codename,
        "role": member.role.value,
        "clearance": member.clearance.value,
        "is_active": "on",
        **changes,
    }
