"""The OpenAPI document at `/api/schema`, and the page at `/api/docs` that shows it.

Owns what belongs to no single call: how a caller authenticates, that no body takes unknown fields,
and that a path is listed once although it answers with a trailing slash too. Both are public: they
tell nothing that the source does not.
"""

import functools
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator

Endpoint = tuple[str, str, str, Any]


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the schema says that a call takes an access token, in the header or as the cookie."""

    target_class = "agents.api.authentication.SessionJWTAuthentication"
    name = ["bearer", "cookie"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-jwt",
                "description": "Plain http, in development: `jwt`. Calls that change something "
                "need the header `X-CSRFToken` with the value of the cookie `csrftoken`.",
            },
        ]


def one_of_each(endpoints: list[Endpoint], **_: Any) -> list[Endpoint]:
    """Leaves out the paths with a trailing slash."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


def exact_bodies(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Says of what is sent what the readers do: no unknown fields, no NUL."""
    schemas = result.get("components", {}).get("schemas", {})
    for path in result["paths"].values():
        for call in path.values():
            for parameter in call.get("parameters", []):
                _without_nul(parameter["schema"])
            for media in call.get("requestBody", {}).get("content", {}).values():
                _make_exact(media["schema"], schemas)
    return result


def _make_exact(schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Closes an object's schema and those it is made of; text without a form gets one."""
    if "$ref" in schema:
        _make_exact(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for part in schema.get("oneOf", []):
        _make_exact(part, schemas)
    if "properties" in schema:
        schema["additionalProperties"] = False
    for field in schema.get("properties", {}).values():
        _without_nul(field)


def _without_nul(schema: dict[str, Any]) -> None:
    if schema.get("type") == "string" and not {"enum", "format", "pattern"} & schema.keys():
        schema["pattern"] = r"^[^\u0000]*$"


@functools.cache
def document_text() -> str:
    """The document as JSON, made once a process."""
    generator: Any = SchemaGenerator
    document = generator().get_schema(request=None, public=True)
    return json.dumps(document, indent=1, ensure_ascii=False)


@require_safe
def document(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3 document, as JSON (which is YAML as well)."""
    return HttpResponse(document_text(), content_type="application/json")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The documentation page, under the same policy as every other page."""
    return render(request, "hq_project/docs.html")
