"""docs/protocol.md says what the code does, and the code nothing that it does not say."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from agents import errors, protocol
from agents.protocol import ClientFrame, CloseCode, ServerFrame
from missions import errors as mission_errors
from missions import protocol as mission_protocol
from tests.processes import ROOT

assert mission_errors, "its codes are in the tree once it is imported"

DOCUMENT = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
CLIENT, _, SERVER = (
    DOCUMENT.partition("### Client frames")[2]
    .partition("### Coming back")[0]
    .partition("### Server frames")
)
EVERYWHERE = {"id", "token"}
"""What any client frame may carry; said once, above the table."""

Fields = dict[str, bool]
"""Names, and whether each may be missing."""

OBJECTS: dict[str, type[msgspec.Struct]] = {
    "agent, to itself": protocol.AgentObject,
    "agent, to others": protocol.AgentName,
    "mission": mission_protocol.MissionObject,
    "update": mission_protocol.UpdateObject,
    "numbered update": mission_protocol.Numbered,
    "page": mission_protocol.Page,
}


def shape(text: str) -> Fields:
    """The fields of `{"one","two"?}`."""
    return {name: bool(mark) for name, mark in re.findall(r'"(\w+)"(\?)?', text)}


def frames_in(text: str) -> dict[str, Fields]:
    """The frames that the first cells of a table's rows show."""
    found = {}
    for tag, rest in re.findall(r'^\| `\{"type":"(\w+)"(.*?)\}` \|', text, re.MULTILINE):
        assert tag not in found, f"{tag} has two rows"
        found[tag] = shape(rest)
    return found


def fields_of(struct: type[msgspec.Struct]) -> Fields:
    """The fields of a struct as they are on the wire."""
    return {field.encode_name: not field.required for field in msgspec.structs.fields(struct)}


def leaves(base: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    """Every frame that derives from that one."""
    for frame in base.__subclasses__():
        yield frame
        yield from leaves(frame)


def frames_of(base: type[msgspec.Struct]) -> dict[str, Fields]:
    """Every frame of our own by its tag."""
    return {
        str(frame.__struct_config__.tag): fields_of(frame)
        for frame in leaves(base)
        if frame.__module__ in (protocol.__name__, mission_protocol.__name__)
    }


def test_client_frames() -> None:
    """Each frame that HQ reads has a row with exactly its fields, and no other frame has."""

    def own(frames: dict[str, Fields]) -> dict[str, Fields]:
        return {
            tag: {name: missing for name, missing in fields.items() if name not in EVERYWHERE}
            for tag, fields in frames.items()
        }

    assert own(frames_in(CLIENT)) == own(frames_of(ClientFrame))
    assert all(frame.keys() >= EVERYWHERE for frame in frames_of(ClientFrame).values())


def test_server_frames() -> None:
    """Each frame that HQ sends has a row with exactly its fields, and no other frame has."""
    assert frames_in(SERVER) == frames_of(ServerFrame)


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name: str) -> None:
    """Each object inside of frames and answers has a row with exactly its fields."""
    row = re.search(rf"^\| {re.escape(name)} \| `(.*)` \|$", DOCUMENT, re.MULTILINE)
    assert row is not None
    assert shape(row[1]) == fields_of(OBJECTS[name])


def test_error_codes() -> None:
    """Every code has a row with its status, and every row is a code."""

    def codes(of: type[errors.HQError]) -> Iterator[tuple[str, int]]:
        for error in of.__subclasses__():
            if "code" in vars(error):
                yield error.code, error.status
            yield from codes(error)

    section = DOCUMENT.partition("## Errors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", section, re.MULTILINE)
    assert sorted((code, int(status)) for code, status in rows) == sorted(codes(errors.HQError))


def test_close_codes() -> None:
    """Every close code has a row, and 1006, which clients see though nobody sends it."""
    section = DOCUMENT.partition("### Close codes")[2].partition("\n## ")[0]
    rows = [int(code) for code in re.findall(r"^\| (\d{4}) \|", section, re.MULTILINE)]
    assert sorted(rows) == sorted({*CloseCode, 1006})


def test_close_reasons() -> None:
    """Every reason that goes with 4001 is there, word for word."""
    reasons = {errors.Unauthorized.close_reason} | {
        error.close_reason for error in errors.Unauthorized.__subclasses__()
    }
    plain = " ".join(DOCUMENT.split())
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in plain] == []


def calls_of(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Method and path of every call that the URL conf knows, each path once."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            if pattern.app_name == "admin":
                yield "GET", f"/{route}"
            else:
                yield from calls_of(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and not route.startswith("^"):
            path = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", route)
            if path == "/" or not path.endswith("/"):
                view = getattr(pattern.callback, "cls", None)
                methods = ("get", "post", "put", "patch", "delete")
                for method in methods if view else ("get",):
                    if view is None or hasattr(view, method):
                        yield method.upper(), path


def test_paths() -> None:
    """Every call has a row with its method, and every row is a call."""
    section = DOCUMENT.partition("\n## HTTP")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (\S+)`", section, re.MULTILINE)
    assert sorted(rows) == sorted(calls_of(get_resolver().url_patterns))


def test_paths_without_their_slash() -> None:
    """Every call of the API answers with a trailing slash too."""
    slashes: dict[str, set[str]] = {}

    def walk(patterns: list[Any], prefix: str = "") -> None:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, route)
            elif route.startswith("api/"):
                slashes.setdefault(route.rstrip("/"), set()).add(route[len(route.rstrip("/")) :])

    walk(get_resolver().url_patterns)
    assert slashes
    assert {path for path, ends in slashes.items() if ends != {"", "/"}} == set()


def test_carriers() -> None:
    """The table of carriers names each that the handshake knows, and the first message."""
    from agents.sockets.credentials import Carrier

    section = DOCUMENT.partition("\n## The socket")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([a-z- ]+) \|", section, re.MULTILINE)
    assert {row.replace("-", "") for row in rows} - {"carrier"} == {str(one) for one in Carrier}


def test_limits() -> None:
    """The numbers of the limits are those of the code."""
    from django.conf import settings

    from missions import limits

    section = " ".join(DOCUMENT.partition("\n## Limits")[2].split())
    least, most = limits.ACK_WITHIN
    for said in (
        f"1 to {limits.BODY_LENGTH:,} characters",
        f"{limits.DATA_BYTES // 1024} KiB encoded",
        f"{least} to {most:,} seconds",
        f"1 to {limits.CLIENT_ID_LENGTH} characters",
        f"{limits.CODENAME_LENGTH}, {limits.OBJECTIVE_LENGTH:,} characters",
        f"{settings.HQ_FRAMES_PER_SECOND} a second, bursts of {settings.HQ_FRAME_BURST}",
        f"{settings.HQ_SOCKETS_PER_AGENT} an agent",
        f"{settings.HQ_PENDING_PER_ADDRESS} an address",
        f"{settings.HQ_PENDING_PER_WORKER} a worker",
        f"less than {limits.BACKLOG_BEFORE_SNAPSHOT_BYTES // 1024} KiB",
    ):
        assert said in section
    assert f"at most {protocol.MAX_FRAME_BYTES // 1024} KiB" in CLIENT
    coming_back = " ".join(DOCUMENT.partition("### Coming back")[2].split())
    assert f"most {limits.RECOVER_UPDATES} updates" in coming_back
    assert f"newest {limits.SNAPSHOT_UPDATES}, or" in coming_back
    assert f"`limit` 1 to {limits.PAGE_MOST}, {limits.PAGE_DEFAULT} without" in DOCUMENT
