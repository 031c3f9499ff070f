"""The server's own HTTP answers."""

import pytest

from hq_project.serving import answers


def test_a_refusal_is_json_in_the_shape_of_the_contract() -> None:
    """Code and message, with the length, and the end of the connection."""
    head, _, body = answers.refusal(431, "Too long.").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b"Content-Type: application/json" in head
    assert b"Content-Length: %d" % len(body) in head
    assert head.endswith(b"Connection: close")
    assert body == b'{"code":"too_large","message":"Too long."}'


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid"),
        (403, "forbidden"),
        (405, "invalid"),
        (413, "too_large"),
        (431, "too_large"),
        (500, "unavailable"),
        (503, "unavailable"),
    ],
)
def test_statuses_have_codes_of_the_contract(status: int, code: str) -> None:
    """The closed list of codes has one for whatever the server refuses."""
    assert answers.code_of(status) == code


def test_the_length_is_the_servers_word() -> None:
    """An application's own length or connection header does not contradict the body."""
    said = answers.response(401, [(b"content-length", b"999"), (b"connection", b"upgrade")], b"no")
    assert said.count(b"ontent-") == 1
    assert b"Content-Length: 2\r\n" in said
    assert b"upgrade" not in said


@pytest.mark.parametrize(
    "header", [(b"x", b"a\r\nSet-Cookie: b"), (b"x\ny", b"a"), (b"x", b"\0"), (b"x: y", b"a")]
)
def test_a_header_cannot_break_out_of_its_line(header: tuple[bytes, bytes]) -> None:
    """No second header is smuggled in by the value of the first."""
    with pytest.raises(ValueError, match="line break"):
        answers.response(401, [header], b"")


def test_an_unknown_status_is_still_an_answer() -> None:
    """A status without a phrase of its own gets one."""
    assert answers.response(499, [], b"").startswith(b"HTTP/1.1 499 Refused\r\n")
