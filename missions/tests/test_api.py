"""What holds for every REST call about missions: the order of checks, the shape of refusals."""

import pytest
from django.test import Client

from missions.models import Mission
from missions.tests.caller import Caller, unknown_ids
from missions.tests.conftest import Call
from tests.cast import HANDLER, OUTSIDER


def test_an_unknown_path_answers_as_a_hidden_mission_does(by: Call, mission: Mission) -> None:
    """Byte for byte."""
    hidden = by(OUTSIDER).get(f"/api/missions/{mission.pk}")
    assert by(OUTSIDER).get(f"/api/missions/{mission.pk}/nowhere/at/all").body == hidden.body


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"{", b"\xff", b"7", b'{"a":NaN}'])
def test_a_body_that_is_no_json_object_is_invalid(by: Call, raw: bytes) -> None:
    """400."""
    assert by(HANDLER)("POST", "/api/missions", raw=raw).said == (400, "invalid")


def test_without_a_credential_nothing_is_told(mission: Mission) -> None:
    """401 `token_missing` for what exists and what does not, on every path."""
    nobody = Caller(None)
    for path in ("missions", f"missions/{mission.pk}", "missions/none", "agents", "updates/x"):
        answer = nobody.get(f"/api/{path}")
        assert answer.said == (401, "token_missing")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_media_type_is_checked_before_the_credential(mission: Mission) -> None:
    """415 for a form, even from nobody (contract, section 2)."""
    for method in ("post", "patch", "delete"):
        answer = getattr(Client(), method)(
            f"/api/missions/{mission.pk}", "codename=x", "application/x-www-form-urlencoded"
        )
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_the_syntax_is_checked_before_the_mission(by: Call, mission: Mission) -> None:
    """A bad body gets 400 for a hidden mission and for none: the order tells nothing."""
    for mission_id in unknown_ids(mission.pk):
        answer = by(OUTSIDER).post(f"/api/missions/{mission_id}/members", {"agent": "x"})
        assert answer.said == (400, "invalid")


def test_answers_are_kept_out_of_caches(by: Call, mission: Mission) -> None:
    """`no-store` on what is shown and on what is refused."""
    for path in ("/api/missions", "/api/missions/none"):
        assert by(HANDLER).get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE"])
def test_methods_that_the_contract_does_not_have_are_refused(by: Call, method: str) -> None:
    """405 with `Allow`."""
    answer = by(HANDLER)(method, "/api/missions")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]
