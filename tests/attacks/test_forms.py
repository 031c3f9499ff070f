"""R5: calls that a page elsewhere has a browser make."""

import re

import pytest

from tests.attacks.attacker import Attacker
from tests.attacks.doors import Good
from tests.attacks.enlist import VICTIMS
from tests.attacks.trail import Trail
from tests.cast import PASSWORD


async def logged_in_by_cookie(attacker: Attacker) -> dict[str, str]:
    """The cookies of a browser that the victim is logged in with."""
    who = {"username": VICTIMS["l"].username, "password": PASSWORD, "transport": "cookie"}
    answer = await attacker.http.post("/api/auth/login", json=who)
    assert answer.status_code == 200
    assert "access" not in answer.json()
    cookies = dict(answer.cookies)
    attacker.http.cookies.clear()
    return cookies


def sent(cookies: dict[str, str], **headers: str) -> dict[str, str]:
    """Headers of a request from a browser with these cookies."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), **headers}


FORMS = {
    "form": ("application/x-www-form-urlencoded", b"username=x&password=y&refresh=z"),
    "multipart": (
        "multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="username"\r\n\r\nx\r\n--b--\r\n',
    ),
    "multipart without a boundary": ("multipart/form-data", b"--b--"),
    "text": ("text/plain", b'{"username":"x","password":"y="}'),
    "JSON as text": ("text/plain; application/json", b'{"username":"x","password":"y"}'),
    "no type": ("", b'{"username":"x","password":"y"}'),
}


@pytest.mark.parametrize("path", ["login", "refresh", "logout", "ticket", "password"])
@pytest.mark.parametrize("form", FORMS)
async def test_a_form_of_another_site_is_not_read(
    path: str, form: str, attacker: Attacker, trail: Trail
) -> None:
    """R5: what a page elsewhere can have a browser send without asking is 415."""
    media, content = FORMS[form]
    answer = await attacker.http.post(
        f"/api/auth/{path}",
        content=content,
        headers={"Content-Type": media, "Origin": "https://evil.example"},
    )
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert not answer.cookies
    reason = f"unsupported_media_type POST /api/auth/{path}"
    trail.owes("input_validation_fail", reason, attacker.address, attempts=1)


async def test_a_cookie_alone_writes_nothing(attacker: Attacker, trail: Trail) -> None:
    """R5: without the CSRF token, with another's, from another origin; then with it."""
    cookies = await logged_in_by_cookie(attacker)
    origin, csrf = attacker.server.origin, cookies["csrftoken"]
    calls = [
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/ticket"),
        ("POST", "/api/missions"),
        ("DELETE", "/api/auth/sessions"),
    ]
    for method, path in calls:
        for headers in (
            sent(cookies),
            sent(cookies, Origin=origin),
            sent(cookies, **{"X-CSRFToken": ""}),
            sent(cookies, **{"X-CSRFToken": "x" * len(csrf)}),
            sent(cookies, **{"X-CSRFToken": csrf, "Origin": "https://evil.example"}),
            sent(cookies, **{"X-CSRFToken": csrf, "Origin": "null"}),
            sent({**cookies, "csrftoken": ""}, **{"X-CSRFToken": ""}),
        ):
            outcome = await attacker.call(method, path, headers=headers, json={})
            assert (outcome.status, outcome.code) == (403, "csrf_failed"), (path, headers)
    trail.owes("authz_fail", "csrf_failed", attacker.address, attempts=7 * len(calls))
    good = sent(cookies, **{"X-CSRFToken": csrf, "Origin": origin})
    assert (await attacker.call("POST", "/api/auth/ticket", headers=good, json={})).admitted
    assert (await attacker.call("POST", "/api/auth/logout", headers=good, json={})).admitted
    assert not (await attacker.call("GET", "/api/auth/me", headers=sent(cookies))).admitted


async def test_a_header_decides_alone(attacker: Attacker, good: Good, trail: Trail) -> None:
    """R5: a bad one is 401 beside a good cookie; and a good one needs no CSRF token."""
    cookies = await logged_in_by_cookie(attacker)
    bad = sent(cookies, Authorization="Bearer x")
    assert (await attacker.call("GET", "/api/auth/me", headers=bad)).status == 401
    right = sent(cookies, Authorization=f"Bearer {good.access}")
    assert (await attacker.call("POST", "/api/auth/ticket", headers=right)).admitted
    trail.owes("authn_token_refused", "token_invalid", attacker.address, attempts=1)


async def test_a_safe_method_changes_nothing(attacker: Attacker, good: Good) -> None:
    """R5's family: what a link or an image can have a browser do is no write."""
    headers = {"Authorization": f"Bearer {good.access}"}
    for path in ("login", "refresh", "logout", "ticket", "password", "otp/enrol", "otp/confirm"):
        for method in ("GET", "HEAD"):
            answer = await attacker.http.request(method, f"/api/auth/{path}", headers=headers)
            assert answer.status_code == 405, path
            assert not answer.cookies


FIELD = re.compile(r"<input[^>]*>")
PAGES = {"/login": 1, "/": 2, "/admin/login/": 1}
"""With how many fields for a password at least."""


@pytest.mark.parametrize("page", PAGES)
async def test_a_field_for_a_password_hides_it_and_lets_a_manager_fill_it(
    page: str, attacker: Attacker
) -> None:
    """ASVS 6.2.6 and 6.2.7: `type=password`, its purpose named, nothing in the way of pasting."""
    shown = (await attacker.http.get(page)).text
    fields = [field for field in FIELD.findall(shown) if "password" in field]
    fields = [field for field in fields if "password-otp" not in field]
    assert len(fields) >= PAGES[page]
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
    assert "onpaste" not in shown


async def test_no_origin_may_read_across(attacker: Attacker, good: Good) -> None:
    """R5's family: an origin that is not configured gets no word of CORS, nor a preflight."""
    for origin in ("https://evil.example", "null", f"{attacker.server.origin}.evil.example"):
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        for method, headers in (
            ("OPTIONS", asked),
            ("GET", {"Origin": origin, "Authorization": f"Bearer {good.access}"}),
        ):
            answer = await attacker.http.request(method, "/api/auth/me", headers=headers)
            named = [name for name in answer.headers if name.startswith("access-control-")]
            assert named == []
