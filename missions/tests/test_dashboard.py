"""The dashboard's pages: shells that ask nobody who they are, and hold nothing of anybody."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

PAGES = ("/", "/login", "/login/")
STATIC = Path(__file__).resolve().parent.parent / "static"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_comes_without_a_query_and_for_everybody_the_same(client: Client, path: str) -> None:
    """No database is touched (this test has none), and a cookie changes nothing but itself."""
    answer = client.get(path)
    assert answer.status_code == 200
    again = Client(headers={"cookie": "jwt=somebody"}).get(path)
    assert again.content == answer.content


@pytest.mark.parametrize("path", PAGES)
def test_a_page_needs_nothing_that_the_policy_forbids(client: Client, path: str) -> None:
    """No inline script or style, no handler in an attribute, nothing from elsewhere."""
    answer = client.get(path)
    html = answer.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=", html) == []
    assert re.findall(r"(?:src|href)=\"(?:[a-z]+:)?//", html) == []
    policy = answer["Content-Security-Policy"]
    assert "'unsafe" not in policy
    assert "script-src 'self'" in policy


@pytest.mark.parametrize("path", PAGES)
def test_everything_a_page_names_is_there(client: Client, path: str) -> None:
    """Each sheet, script and module preload is a file of the dashboard."""
    named = re.findall(
        rf"(?:src|href)=\"/?{settings.STATIC_URL.lstrip('/')}([^\"]+)\"",
        client.get(path).content.decode(),
    )
    assert named
    assert [name for name in named if not (STATIC / name).is_file()] == []


def test_the_room_preloads_every_module_that_it_imports(client: Client) -> None:
    """One round trip, not one a level of imports."""
    html = client.get("/").content.decode()
    imported = {
        name
        for path in (STATIC / "missions").glob("*.js")
        if path.name != "login.js"
        for name in re.findall(
            r"^(?:import|\} from).*'\./([a-z_]+\.js)'", path.read_text(), re.MULTILINE
        )
    }
    assert {name for name in imported if f"missions/{name}" not in html} == set()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_gives_the_csrf_cookie_and_is_read_only(client: Client, path: str) -> None:
    """The API's writes by cookie need it; the page itself takes none."""
    answer = client.get(path)
    assert answer.cookies["csrftoken"].value
    assert "no-cache" in answer["Cache-Control"]
    assert client.post(path).status_code in (403, 405)
    assert client.head(path).status_code == 200
