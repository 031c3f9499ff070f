"""A program that uses HQ's REST API: one agent, one connection, typed calls."""

import contextlib
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from tests.cast import PASSWORD, Member
from tests.hq_server import HQServer
from tests.ledger import Frame
from tests.patience import PATIENCE


class Refused(Exception):
    """An answer that is an error of the contract."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.body: Frame = response.json() if response.content else {}
        self.code = self.body.get("code", "")
        super().__init__(
            f"{response.request.method} {response.url.path}: {self.status} {self.body}"
        )


class RestClient:
    """Logged in after `login`; every call raises `Refused` unless the answer is 2xx."""

    tickets: ClassVar[list[str]] = []
    """Every ticket of this run: none may be in a log."""

    def __init__(
        self,
        server: HQServer,
        local_address: str | None = None,
        *,
        within: float = PATIENCE,
    ) -> None:
        self.server = server
        self.access = ""
        self.refresh_token = ""
        self.agent: Frame = {}
        self.client_port = 0
        self.http = httpx.AsyncClient(
            base_url=server.url,
            timeout=within,
            trust_env=False,
            transport=httpx.AsyncHTTPTransport(
                verify=server.trust or True, trust_env=False, local_address=local_address
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def call(self, method: str, path: str, body: Frame | None = None, **query: Any) -> Any:
        """The decoded answer, None when it is empty."""
        headers = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        response = await self.http.request(method, path, json=body, params=query, headers=headers)
        stream = response.extensions["network_stream"]
        with contextlib.suppress(OSError):  # a server that drains closes with its answer
            self.client_port = stream.get_extra_info("client_addr")[1]
        if not response.is_success:
            raise Refused(response)
        return response.json() if response.content else None

    async def meet(self, worker: int) -> None:
        """Connects to that worker, which then answers whatever is called one after the other."""
        with self.server.only(worker):
            await self.call("GET", "/healthz")

    @property
    def worker(self) -> int:
        """The process that answered the last call."""
        return self.server.worker_of(self.client_port)

    async def login(self, member: Member, password: str = PASSWORD) -> Self:
        """A new session, tokens in the body, no cookies."""
        who = {"username": member.username, "password": password, "transport": "body"}
        self._keep(await self.call("POST", "/api/auth/login", who))
        return self

    async def refresh(self) -> None:
        """The next pair of tokens."""
        self._keep(await self.call("POST", "/api/auth/refresh", {"refresh": self.refresh_token}))

    async def ticket(self) -> str:
        """A ticket for one socket."""
        value = str((await self.call("POST", "/api/auth/ticket"))["ticket"])
        self.tickets.append(value)
        return value

    async def create_mission(
        self, codename: str, *, objective: str = "", classification: str = "restricted"
    ) -> str:
        """The id of a new mission, which the caller is a member of."""
        about = {"codename": codename, "objective": objective, "classification": classification}
        return str((await self.call("POST", "/api/missions", about))["id"])

    async def add(self, mission: str, *agents: "RestClient") -> None:
        """Makes these agents members."""
        for agent in agents:
            await self.call(
                "POST", f"/api/missions/{mission}/members", {"agent": agent.agent["id"]}
            )

    async def remove(self, mission: str, agent: "RestClient") -> None:
        """Ends a membership."""
        await self.call("DELETE", f"/api/missions/{mission}/members/{agent.agent['id']}")

    async def publish(self, mission: str, body: str, **fields: Any) -> Frame:
        """The new update; of kind `message` unless said otherwise."""
        draft = {"kind": "message", "body": body, **fields}
        update: Frame = await self.call("POST", f"/api/missions/{mission}/updates", draft)
        return update

    async def page(self, mission: str, **cursor: Any) -> Frame:
        """One page of the log."""
        page: Frame = await self.call("GET", f"/api/missions/{mission}/updates", **cursor)
        return page

    async def log(self, mission: str, *, limit: int = 200) -> list[Frame]:
        """Everything that the agent may see, oldest first, walked backwards page by page."""
        page = await self.page(mission, limit=limit)
        entries: list[Frame] = page["updates"]
        while entries and entries[0]["seq"] > 1:
            before = entries[0]["update"]["id"]
            older = await self.page(mission, limit=limit, before=before, epoch=page["epoch"])
            entries = older["updates"] + entries
        return entries

    def _keep(self, answer: Frame) -> None:
        self.access, self.refresh_token = answer["access"], answer["refresh"]
        self.agent = answer.get("agent", self.agent)
