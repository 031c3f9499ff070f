"""The OpenAPI document and the page that shows it."""

import json
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from drf_spectacular.validation import validate_schema

CALLS = {
    "/.well-known/jwks.json": {"get"},
    "/api/agents": {"get"},
    "/api/auth/login": {"post"},
    "/api/auth/logout": {"post"},
    "/api/auth/me": {"get"},
    "/api/auth/refresh": {"post"},
    "/api/auth/ticket": {"post"},
    "/api/missions": {"get", "post"},
    "/api/missions/{mission_id}": {"get", "patch"},
    "/api/missions/{mission_id}/members": {"get", "post"},
    "/api/missions/{mission_id}/members/{agent_id}": {"delete"},
    "/api/missions/{mission_id}/updates": {"get", "post"},
    "/api/updates/{update_id}": {"get", "patch", "delete"},
    "/api/updates/{update_id}/acknowledge": {"post"},
    "/api/updates/{update_id}/receipts": {"get"},
}


@pytest.fixture(scope="module")
def document() -> Any:
    """The document, as a program gets it."""
    return json.loads(Client().get("/api/schema").content)


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_document_is_public_and_is_openapi(slash: str) -> None:
    """Without a credential, valid by the specification's own schema."""
    answer = Client().get(f"/api/schema{slash}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    validate_schema(answer.json())  # type: ignore[no-untyped-call]


def test_the_document_lists_every_call_of_the_contract_once(document: Any) -> None:
    """And no path twice for its trailing slash."""
    listed = {path: set(calls) for path, calls in document["paths"].items()}
    assert listed.items() >= CALLS.items()
    assert not [path for path in listed if path.endswith("/")]


def test_every_body_is_closed_and_its_text_is_without_nul(document: Any) -> None:
    """`additionalProperties` false, as the server refuses unknown fields."""
    schemas = document["components"]["schemas"]
    bodies = ["LoginBody", "RefreshBody", "NewMission", "PatchedMissionChange", "NewMember"]
    for name in (*bodies, "NewUpdate", "NewPosition", "Position"):
        assert schemas[name]["additionalProperties"] is False, name
    assert schemas["NewUpdate"]["properties"]["body"]["pattern"] == r"^[^\u0000]*$"


def test_a_call_takes_the_header_or_the_cookie(document: Any) -> None:
    """Either is enough."""
    assert document["paths"]["/api/missions"]["get"]["security"] == [{"bearer": []}, {"cookie": []}]


def test_the_codes_of_errors_are_those_of_the_contract(document: Any) -> None:
    """Its closed list."""
    assert document["components"]["schemas"]["ErrorCodeEnum"]["enum"] == sorted(
        [
            *("invalid", "not_found", "forbidden", "csrf_failed", "origin_refused"),
            *("mission_closed", "conflict", "reset", "too_large", "unsupported_media_type"),
            *("rate_limited", "unavailable", "invalid_credentials", "otp_required"),
            *("token_missing", "token_invalid", "token_expired", "auth_timeout"),
        ]
    )


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_page_loads_nothing_from_elsewhere(slash: str) -> None:
    """Its scripts and styles are files of HQ, and its policy is that of every page."""
    answer = Client().get(f"/api/docs{slash}")
    page = answer.content.decode()
    addresses = [part.split('"')[0] for part in page.replace("href=", "src=").split('src="')[1:]]
    assert len(addresses) == 4
    for address in addresses:
        assert finders.find(address.removeprefix("/static/")), address
    assert (
        answer.headers["Content-Security-Policy"]
        == Client().get("/healthz").headers["Content-Security-Policy"]
    )
