"""Objects that REST alone answers with. Pure; what sockets send too is in the protocol."""

from msgspec import Struct

from agents.protocol import AgentName


class AgentCandidate(Struct, frozen=True):
    """An agent as shown to who staffs missions: never the clearance."""

    id: str
    codename: str
    role: str


class ReceiptObject(Struct, frozen=True):
    """Whether an agent who has to has acknowledged: when, or null."""

    agent: AgentName
    at: str | None
