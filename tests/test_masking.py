"""Masking: no form of a credential stays, and nothing else goes."""

import pytest

from hq_project.masking import MASK, masked
from tests.hq_server import SIGNING_KEY_PEM
from tests.test_logs import JWT, TICKET


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} was bad", "eyJ"),
        (f"subprotocol bearer.{JWT}", "eyJ"),
        ("half a token eyJhbGciOi and no more", "eyJ"),
        (f"GET /missions?ticket={TICKET}&missions=none", TICKET),
        (f"%2Fmissions%3Fticket%3D{TICKET}", TICKET),
        ("password=hunter2-hunter2", "hunter2"),
        ('{"username": "ada", "password": "correct horse \\"battery"}', "horse"),
        ("{'new_password': 'correct horse battery'}", "battery"),
        ("otp: 123456", "123456"),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("authorization=bearer   opaque-value", "opaque-value"),
        ("(b'authorization', b'Token opaque-value')", "opaque-value"),
        ("(b'cookie', b'hq_access=opaque-value; csrftoken=other')", "other"),
        ("Set-Cookie: __Host-hq_refresh=opaque-value; Path=/", "opaque-value"),
        ("postgres://hq:s3cret@postgres:5432/hq", "s3cret"),
        pytest.param(SIGNING_KEY_PEM, SIGNING_KEY_PEM.splitlines()[1], id="key"),
    ],
)
def test_credentials_are_masked(text: str, secret: str) -> None:
    """In every form in which one of them can stand in a text."""
    assert secret not in masked(text)
    assert MASK in masked(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("password", "correct horse battery"),
        ("csrftoken", "opaque"),
        ("Authorization", "opaque"),
        ("ticket", TICKET),
        ("cookie", b"hq_access=opaque"),
    ],
)
def test_fields_with_telling_names_are_masked(name: str, value: object) -> None:
    """Whatever they hold."""
    event = masked({"event": "x", "deep": {name: value}, name: value})
    assert event == {"event": "x", "deep": {name: MASK}, name: MASK}


def test_what_is_no_secret_stays() -> None:
    """Names, numbers and ids are what a log is for."""
    said = {
        "event": "answered",
        "path": "/api/auth/tickets",
        "status": 401,
        "code": "token_expired",
        "kid": TICKET,
    }
    assert masked(said) == said
