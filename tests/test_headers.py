"""The headers of every answer: pages, files, calls, refusals."""

import pytest
from django.test import Client

ANSWERS = ("/", "/login", "/healthz", "/api/schema", "/api/nothing", "/static/missions/room.js")


@pytest.mark.parametrize("path", [*ANSWERS, "/admin/login/"])
@pytest.mark.django_db
def test_every_answer_has_them(path: str) -> None:
    """Whoever made it."""
    headers = Client().get(path).headers
    policy = headers["Content-Security-Policy"]
    for directive in ("default-src", "object-src", "base-uri"):  # ASVS 5.0, 3.4.3
        assert f"{directive} 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("path", ["/api/auth/me", "/api/nothing", "/api/missions", "/admin/login/"])
@pytest.mark.django_db
def test_what_may_be_personal_is_not_kept(path: str) -> None:
    """By no cache, refusals neither."""
    assert "no-store" in Client().get(path).headers["Cache-Control"]


def test_logging_out_clears_what_the_browser_kept() -> None:
    """ASVS 5.0, 14.3.1."""
    answer = Client().post("/api/auth/logout", content_type="application/json")
    assert answer["Clear-Site-Data"] == '"cache", "storage"'


@pytest.mark.django_db
def test_an_answer_without_content_names_no_type() -> None:
    """Logging out, for one."""
    answer = Client().post("/api/auth/logout", {}, content_type="application/json")
    assert answer.status_code == 204
    assert "Content-Type" not in answer.headers
