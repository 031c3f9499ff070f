"""A program that calls the API inside the test's process, and holds every answer to the schema."""

import functools
import json
from typing import Any
from uuid import UUID

from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from agents.models import Agent
from agents.sessions import issue_pair, open_session

ADDRESS = "urn:hq"
NOBODY = "3f0e7f6a-0000-4000-8000-000000000000"
MESSAGE = {"kind": "message", "body": "At the saddle."}


class Answer:
    """What came back: `status`, `body` as bytes, `json` decoded (None when empty), `headers`."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.body: bytes = response.content
        self.headers = response.headers
        self.json: Any = json.loads(self.body) if self.body else None

    @property
    def said(self) -> tuple[int, Any]:
        """Status and code of a refusal, or status and body."""
        code = self.json.get("code") if isinstance(self.json, dict) else None
        return (self.status, code) if self.status >= 400 else (self.status, self.json)


class Caller:
    """An agent with a good access token, or nobody."""

    def __init__(self, agent: Agent | None) -> None:
        self.http = Client(raise_request_exception=False)
        self.headers = {}
        if agent is not None:
            access = issue_pair(open_session(agent)).access
            self.headers = {"Authorization": f"Bearer {access}"}

    def __call__(
        self, method: str, path: str, content: Any = None, *, raw: bytes | None = None, **query: Any
    ) -> Answer:
        """The answer; a JSON body from `content`, or the bytes of `raw`."""
        body = json.dumps(content).encode() if content is not None else raw or b""
        response = self.http.generic(
            method,
            path,
            body,
            content_type="application/json" if body else "",
            query_params=query or None,
            headers=self.headers,
        )
        answer = Answer(response)
        if path.startswith("/api/"):
            hold_to_schema(method, path, answer)
        return answer

    def get(self, path: str, **query: Any) -> Answer:
        """GET."""
        return self("GET", path, **query)

    def post(self, path: str, content: Any = None) -> Answer:
        """POST."""
        return self("POST", path, content)


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document as the server gives it; references absolute."""
    found: dict[str, Any] = json.loads(
        Client().get("/api/schema").content.replace(b'"#/', f'"{ADDRESS}#/'.encode())
    )
    return found


def operation(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a call; None where it knows none."""
    steps = path.strip("/").split("/")
    for template, calls in document()["paths"].items():
        parts = template.strip("/").split("/")
        if len(parts) == len(steps) and all(
            part.startswith("{") or part == step for part, step in zip(parts, steps, strict=True)
        ):
            found: dict[str, Any] | None = calls.get(method.lower())
            return found
    return None


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """Judges by a schema of the document."""
    whole = DRAFT202012.create_resource(document())
    registry: Registry[Any] = Registry().with_resource(ADDRESS, whole)
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())


def hold_to_schema(method: str, path: str, answer: Answer) -> None:
    """Fails unless the document allows this answer to this call."""
    known = operation(method, path)
    if known is None:
        assert answer.status in (404, 405), f"{method} {path} is not in the schema"
        return
    assert str(answer.status) in known["responses"], (
        f"{method} {path} answered {answer.status} {answer.body!r}, which the schema does not list"
    )
    content = known["responses"][str(answer.status)].get("content")
    if content is None:
        assert answer.body == b""
        return
    assert answer.headers["Content-Type"] == "application/json"
    validator(content["application/json"]["schema"]).validate(answer.json)


def unknown_ids(hidden: UUID | str) -> list[str]:
    """An id that is hidden, one that nobody has, and texts that are none."""
    return [str(hidden), NOBODY, str(hidden).upper(), "nonsense", "%00", "1", f"{{{hidden}}}"]


def fill(caller: Caller, path: str, count: int) -> list[str]:
    """Publishes that many messages; their ids in order."""
    return [
        caller.post(path, {"kind": "message", "body": f"{number}"}).json["id"]
        for number in range(count)
    ]
