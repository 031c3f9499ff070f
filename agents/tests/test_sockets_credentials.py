"""What a handshake carries: the ruling, without verifying anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from agents.errors import OriginRefused, TokenInvalid, TokenMissing
from agents.sockets.credentials import (
    Carrier,
    Credential,
    Handshake,
    chosen_missions,
    origin_allowed,
    read_handshake,
)

OWN, PARTNER = "https://hq.example.org", "https://partner.example.net"
JWT = "aaa.bbb.ccc"


@pytest.fixture(autouse=True)
def origins(settings: Settings) -> None:
    """HQ's own origin and a partner's."""
    settings.HQ_PUBLIC_ORIGINS = [OWN]
    settings.HQ_ALLOWED_ORIGINS = [PARTNER]


def ruled(
    query: bytes = b"",
    *headers: tuple[bytes, bytes],
    origin: str | None = None,
    offered: tuple[str, ...] = (),
) -> Handshake:
    """The ruling on that handshake."""
    sent = [*headers, *([(b"origin", origin.encode("latin-1"))] if origin else [])]
    return read_handshake(sent, query, offered, "jwt")


@pytest.mark.parametrize(
    ("handshake", "carrier"),
    [
        ({"query": b"ticket=aaa.bbb.ccc"}, Carrier.TICKET),
        ({"query": b"token=aaa.bbb.ccc"}, Carrier.QUERY),
        ({"query": b"authorization=aaa.bbb.ccc"}, Carrier.QUERY),
        ({"query": b"authorization=Bearer%20aaa.bbb.ccc"}, Carrier.QUERY),
        ({"offered": ("hq.v1", "bearer.aaa.bbb.ccc")}, Carrier.SUBPROTOCOL),
        ({"offered": ("aaa.bbb.ccc",)}, Carrier.SUBPROTOCOL),
    ],
)
def test_a_credential_is_found_where_it_may_be(
    handshake: dict[str, object], carrier: Carrier
) -> None:
    """By every explicit carrier, with the token as its value."""
    assert ruled(**handshake).credential == Credential(carrier, JWT)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [b"Bearer aaa.bbb.ccc", b"bearer aaa.bbb.ccc"])
def test_the_bearer_scheme_is_read_in_any_case(value: bytes) -> None:
    """As RFC 9110 has it."""
    assert ruled(b"", (b"authorization", value)).credential == Credential(Carrier.HEADER, JWT)


@pytest.mark.parametrize(
    "value", [b"bearer", b"Bearer", b"Token aaa.bbb.ccc", b"Bearer aaa Bearer bbb", b"aaa.bbb.ccc"]
)
def test_any_other_authorization_is_refused(value: bytes) -> None:
    """And does not fall back to anything."""
    assert isinstance(ruled(b"", (b"authorization", value)).refusal, TokenInvalid)


@pytest.mark.parametrize(
    "query", [b"token=%ff%fe", b"%ff=1", b"token=a&token=b", b"token=a&ticket=b"]
)
def test_a_query_that_is_no_text_or_says_two_things_is_refused(query: bytes) -> None:
    """Never an exception."""
    assert isinstance(ruled(query, origin=OWN).refusal, TokenInvalid)


def test_a_semicolon_and_a_plus_are_themselves() -> None:
    """They separate nothing and stand for nothing else."""
    assert ruled(b"token=a;token=b+c").credential == Credential(Carrier.QUERY, "a;token=b+c")


def test_the_cookie_counts_for_hqs_own_origin_alone() -> None:
    """From a partner it waits for a first message, from a program nothing came."""
    cookie = (b"cookie", b"other=1; jwt=aaa.bbb.ccc")
    assert ruled(b"", cookie, origin=OWN).credential == Credential(Carrier.COOKIE, JWT)
    assert ruled(b"", cookie, origin=PARTNER).credential is None
    assert ruled(b"", cookie, origin=PARTNER).refusal is None
    assert isinstance(ruled(b"", cookie).refusal, TokenMissing)


def test_an_explicit_credential_wins_over_the_cookie() -> None:
    """Whether it is good is for others to say."""
    cookie = (b"cookie", b"jwt=cookie")
    assert ruled(b"token=query", cookie, origin=OWN).credential == Credential(
        Carrier.QUERY, "query"
    )


def test_two_cookies_of_that_name_are_refused() -> None:
    """Somebody else set one of them."""
    refusal = ruled(b"", (b"cookie", b"jwt=a; jwt=b"), origin=OWN).refusal
    assert isinstance(refusal, TokenInvalid)


@pytest.mark.parametrize(
    ("offered", "echoed"),
    [
        ((), None),
        (("chat",), None),
        (("chat", "hq.v1"), "hq.v1"),
        (("bearer.x", "hq.v1"), "hq.v1"),
        (("chat", "aaa.bbb.ccc"), "aaa.bbb.ccc"),
        (("bearer.aaa.bbb.ccc", "chat"), "bearer.aaa.bbb.ccc"),
    ],
)
def test_the_echo_is_hqs_own_or_the_credential(
    offered: tuple[str, ...], echoed: str | None
) -> None:
    """Unknown protocols are not echoed."""
    assert ruled(origin=OWN, offered=offered).subprotocol == echoed


def test_a_first_message_is_awaited_where_one_may_come() -> None:
    """From a browser, and from a program that offers `hq.v1`; any other program is refused."""
    for handshake in (ruled(origin=OWN), ruled(origin=PARTNER), ruled(offered=("hq.v1",))):
        assert (handshake.credential, handshake.refusal) == (None, None)
    assert isinstance(ruled().refusal, TokenMissing)
    assert isinstance(ruled(offered=("chat",)).refusal, TokenMissing)


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://hq.example.org",
        OWN + ":444",
        OWN + ".evil.com",
        "https://h:99999",
        OWN + "/",
    ],
)
def test_another_origin_is_refused_whatever_it_brings(origin: str) -> None:
    """The list is exact."""
    with pytest.raises(OriginRefused):
        ruled(b"token=aaa.bbb.ccc", origin=origin)


def test_two_origins_are_refused() -> None:
    """Even when each is allowed."""
    with pytest.raises(OriginRefused):
        ruled(b"", (b"origin", OWN.encode()), origin=OWN)


@given(st.text())
def test_no_origin_is_too_strange_to_be_judged(origin: str) -> None:
    """The check is total."""
    assert origin_allowed(origin) is (origin in (OWN, PARTNER))


names = st.sampled_from([b"origin", b"authorization", b"token", b"cookie", b"host"])
values = st.binary() | st.sampled_from([OWN.encode(), b"Bearer aaa.bbb.ccc", b"jwt=a; jwt=b", b""])
queries = st.binary() | st.sampled_from(
    [b"token=a&token=b", b"ticket=%ff", b"authorization=Bearer"]
)
offers = st.text() | st.sampled_from(["hq.v1", "bearer.", "bearer.aaa.bbb.ccc", JWT])


@given(st.lists(st.tuples(names, values)), queries, st.lists(offers))
def test_any_bytes_are_ruled_on(
    headers: list[tuple[bytes, bytes]], query: bytes, offered: list[str]
) -> None:
    """A strange Origin is refused as such; anything else is a ruling, of one thing alone."""
    strange = any(
        name == b"origin" and value not in (OWN.encode(), PARTNER.encode())
        for name, value in headers
    )
    if strange or sum(name == b"origin" for name, _ in headers) > 1:
        with pytest.raises(OriginRefused):
            read_handshake(headers, query, offered, "jwt")
        return
    ruling = read_handshake(headers, query, offered, "jwt")
    assert ruling.credential is None or ruling.refusal is None
    assert ruling.subprotocol is None or ruling.subprotocol in offered
    if ruling.credential is None and ruling.refusal is None:
        assert ruling.from_browser or "hq.v1" in offered
    if ruling.credential is not None and ruling.credential.carrier is Carrier.COOKIE:
        assert ruling.from_browser


@pytest.mark.parametrize(
    ("query", "chosen"),
    [(b"", None), (b"missions=none", []), (b"missions=a,b", ["a", "b"]), (b"missions=", [])],
)
def test_the_url_may_choose_missions(query: bytes, chosen: list[str] | None) -> None:
    """None, some, or no choice."""
    assert chosen_missions(query) == chosen
