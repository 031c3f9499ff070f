"""Calls over HTTP as the tests of accounts make them."""

import json
from typing import Any

from django.test import Client

from agents.tests.conftest import PASSWORD

LOGIN = "/api/auth/login"


def send(http: Client, path: str, body: Any = None, **headers: str) -> Any:
    """A POST of JSON."""
    return http.post(
        path, {} if body is None else body, content_type="application/json", headers=headers
    )


def log_in(http: Client, **more: str) -> Any:
    """Ada logs in."""
    return send(http, LOGIN, {"username": "ada", "password": PASSWORD, **more})


def refused(response: Any, status: int, code: str, field: str | None = None) -> bool:
    """Whether an answer is exactly that refusal."""
    body = json.loads(response.content)
    assert set(body) <= {"code", "message", "field"}
    return (response.status_code, body["code"], body.get("field")) == (status, code, field)


def bearer(token: str) -> dict[str, str]:
    """The header of a program."""
    return {"Authorization": f"Bearer {token}"}


def csrf(http: Client) -> dict[str, str]:
    """What a page reads from its cookie and sends back."""
    return {"X-CSRFToken": http.cookies["csrftoken"].value}
