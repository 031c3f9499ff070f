"""What tests of the mission socket share: credentials, and sockets that are closed in the end."""

import datetime as dt
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

from django.utils import timezone

from agents import live, threads
from agents.models import Agent, Session
from agents.roles import Clearance, Role
from agents.sessions import Authenticated, check_access, issue_pair, open_session
from agents.tests.wire import Frame, Wire
from agents.tickets import issue_ticket
from missions import services
from missions.drafts import Draft
from missions.models import Mission, Update
from missions.protocol import Kind
from tests.cast import Member

P = ParamSpec("P")
T = TypeVar("T")


class Room:
    """The cast in front of HQ's socket, in this process."""

    def __init__(self, cast: dict[Member, Agent]) -> None:
        self.cast = cast
        self.wires: list[Wire] = []

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs database work as a socket does."""
        return await threads.in_command_thread(call, *args, **kwargs)

    async def session(self, member: Member, life: dt.timedelta | None = None) -> Session:
        """A new session, as short as wanted."""
        ends = None if life is None else timezone.now() + life
        return await self.do(open_session, self.cast[member], expires_at=ends)

    async def token(self, who: Member | Session) -> str:
        """An access token of a session, or of a new one."""
        session = who if isinstance(who, Session) else await self.session(who)
        return (await self.do(issue_pair, session)).access

    async def ticket(self, session: Session) -> str:
        """A ticket of a session."""
        authenticated: Authenticated = await self.do(check_access, await self.token(session))
        return (await self.do(issue_ticket, authenticated))[0]

    async def open(self, who: Member | Session | None = None, **options: Any) -> Wire:
        """An accepted socket, with the token of who it is."""
        token = None if who is None else await self.token(who)
        wire = await Wire.open(token, **options)
        self.wires.append(wire)
        return wire

    async def enter(self, who: Member | Session, **options: Any) -> Wire:
        """A socket past its `welcome` and all that was subscribed unasked."""
        wire = await self.open(who, **options)
        await wire.expect("welcome")
        await wire.fence()
        return wire

    async def publish(self, author: Member, mission: Mission, body: str, **said: Any) -> Update:
        """Publishes a report."""
        draft = Draft(kind=said.pop("kind", Kind.REPORT), body=body, **said)
        return await self.do(services.publish, self.cast[author], mission.pk, draft)

    async def aclose(self) -> None:
        """Ends every socket, and the loop's part in HQ."""
        for wire in self.wires:
            await wire.ended()
        await live.aclose()


def set_access(agent_id: UUID, **changes: Role | Clearance | bool) -> None:
    """Changes rights as the admin does."""
    from agents import accounts

    accounts.set_access(agent_id, **changes)  # type: ignore[arg-type]


def bodies(frames: list[Frame]) -> list[str]:
    """The bodies of the updates among frames."""
    return [frame["update"]["body"] for frame in frames if frame["type"] == "update"]


def is_body(body: str) -> Callable[[Frame], bool]:
    """Recognises the update with that body."""
    return lambda frame: frame["type"] == "update" and frame["update"]["body"] == body
