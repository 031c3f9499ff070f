"""Answers of accounts are what their schema says."""

from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from django.test import Client

from agents.api import urls
from agents.models import Agent
from agents.tests.calls import bearer, log_in, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema() -> Any:
    """The OpenAPI document as anybody can fetch it."""
    return Client().get("/api/schema").json()


def holds(schema: Any, path: str, response: Any) -> bool:
    """Whether the answer is one that the document knows for that call; raises where not."""
    method = response.request["REQUEST_METHOD"].lower()
    known = schema["paths"][path][method]["responses"][str(response.status_code)]
    if not response.content:
        return "content" not in known
    shape = known["content"]["application/json"]["schema"]
    jsonschema.validate(
        response.json(),
        {**shape, "components": schema["components"]},
        format_checker=jsonschema.FormatChecker(),
    )
    reference = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return set(response.json()) <= set(reference["properties"])


def test_every_answer_is_known_to_the_schema(schema: Any, agent: Agent, http: Client) -> None:
    """Good ones and refusals, of each call."""
    for transport in ("both", "cookie", "body"):
        assert holds(schema, "/api/auth/login", log_in(http, transport=transport))
    pair = log_in(http, transport="body").json()
    headers = bearer(pair["access"])
    assert holds(schema, "/api/auth/login", send(http, "/api/auth/login", {"username": "x"}))
    bad = {"username": "ada", "password": "x"}
    assert holds(schema, "/api/auth/login", send(http, "/api/auth/login", bad))
    assert holds(schema, "/api/auth/me", http.get("/api/auth/me", headers=headers))
    assert holds(schema, "/api/auth/me", http.get("/api/auth/me", headers=bearer("x")))
    assert holds(schema, "/api/auth/ticket", send(http, "/api/auth/ticket", **headers))
    assert holds(schema, "/api/auth/ticket", send(http, "/api/auth/ticket"))
    body = {"refresh": pair["refresh"]}
    assert holds(schema, "/api/auth/refresh", send(http, "/api/auth/refresh", body))
    assert holds(schema, "/api/auth/refresh", send(http, "/api/auth/refresh", {"refresh": "x"}))
    assert holds(schema, "/api/auth/logout", send(http, "/api/auth/logout", **headers))
    keys = http.get("/.well-known/jwks.json")
    assert holds(schema, "/.well-known/jwks.json", keys)


def test_the_schema_lists_each_call_of_accounts(schema: Any) -> None:
    """By the path without a slash, named and described."""
    for path, _ in urls.ROUTES:
        named = path.replace("<str:", "{").replace(">", "}")
        for call in schema["paths"][f"/{named}"].values():
            assert call["operationId"]
            assert call["description"]
