"""What HQ answers where no view does."""

import json

import pytest
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from hq_project import refusals

NOT_FOUND = b'{"code":"not_found","message":"Not found."}'


@pytest.fixture
def for_a_program() -> HttpRequest:
    """A request under `/api`."""
    return RequestFactory().get("/api/anything")


@pytest.fixture
def for_a_person() -> HttpRequest:
    """A request for a page."""
    return RequestFactory().get("/anything")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/a/b/c", "/api/%00"])
@pytest.mark.parametrize("debug", [True, False])
def test_an_unknown_call_is_answered_in_json(path: str, debug: bool, settings: Settings) -> None:
    """404 with the contract's body, in development too, and to every method."""
    settings.DEBUG = debug
    for method in ("GET", "POST", "DELETE"):
        answer = Client(enforce_csrf_checks=True).generic(method, path)
        assert (answer.status_code, answer.content) == (404, NOT_FOUND)
        assert answer.headers["Content-Type"] == "application/json"


def test_an_unknown_well_known_address_is_answered_in_json() -> None:
    """As a program asks for it."""
    assert Client().get("/.well-known/nothing").content == NOT_FOUND


@pytest.mark.parametrize("path", ["/missions", "/missions/"])
def test_the_sockets_path_says_what_it_is(path: str) -> None:
    """Whoever calls it as a page learns that it wants a handshake."""
    answer = Client().get(path)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert "WebSocket" in json.loads(answer.content)["message"]


def test_the_admin_answers_without_its_slash_too() -> None:
    """It leads to the path with one."""
    answer = Client().get("/admin?next=x")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/?next=x")


def test_an_unknown_page_is_answered_in_html(for_a_person: HttpRequest) -> None:
    """A path that only begins like the API is a page."""
    for path in ("/nothing", "/apiary"):
        answer = Client().get(path)
        assert answer.status_code == 404
        assert answer.headers["Content-Type"].startswith("text/html")
    assert refusals.not_found(for_a_person, Http404()).status_code == 404


def test_what_django_refuses_is_invalid_to_a_program(for_a_program: HttpRequest) -> None:
    """400, or 413 where it was the size."""
    answer = refusals.bad_request(for_a_program, SuspiciousOperation())
    assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "invalid")
    answer = refusals.bad_request(for_a_program, RequestDataTooBig())
    assert (answer.status_code, json.loads(answer.content)["code"]) == (413, "too_large")


def test_a_foreign_host_is_refused_in_json() -> None:
    """400 without a page."""
    answer = Client().get("/api/missions", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_a_mistake_of_ours_tells_nothing_of_itself(for_a_program: HttpRequest) -> None:
    """500 with a sentence."""
    answer = refusals.server_error(for_a_program)
    assert answer.status_code == 500
    assert json.loads(answer.content) == {
        "code": "unavailable",
        "message": "Something went wrong here. Try again.",
    }


def test_people_get_pages(for_a_person: HttpRequest) -> None:
    """Django's own, without details."""
    assert refusals.server_error(for_a_person).status_code == 500
    assert refusals.bad_request(for_a_person, SuspiciousOperation("x")).status_code == 400
