"""Who must set a second factor first, and what is open to it until then."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from agents import keys
from agents.enrolment import must_enrol
from agents.errors import SecondFactorRequired
from agents.models import Agent, Session
from agents.sessions import Authenticated, check_access, issue_access, open_session
from agents.tests.authenticator import enrol
from agents.tests.calls import bearer, refused, send
from agents.tests.conftest import PASSWORD, MakeAgent
from agents.tickets import issue_ticket, redeem_ticket

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def production(settings: Settings) -> None:
    """Outside development, with a key that was made before."""
    keys.make_development_key()
    settings.HQ_DEVELOPMENT = False


def barred(session: Session) -> bool:
    """What the query says of a session."""
    return bool(Session.objects.annotate(bar=must_enrol()).get(pk=session.pk).bar)


def test_staff_must_and_others_need_not(make_agent: MakeAgent, settings: Settings) -> None:
    """Staff and superusers, until one is confirmed; nobody in development."""
    plain, staff = make_agent("plain"), make_agent("staff", is_staff=True)
    superuser = make_agent("super", is_superuser=True)
    assert [barred(open_session(one)) for one in (plain, staff, superuser)] == [False, True, True]
    service = open_session(staff, kind=Session.Kind.SERVICE, name="importer")
    assert not barred(service)
    assert check_access(issue_access(service)[0]).session == service
    session = open_session(superuser)
    enrol(superuser, session)
    assert not barred(session)
    settings.HQ_DEVELOPMENT = True
    assert not barred(open_session(staff))


def test_a_token_and_a_ticket_are_refused_until_one_is_set(
    make_agent: MakeAgent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """By the one query that reads session and agent."""
    staff = make_agent("staff", is_staff=True)
    session = open_session(staff)
    token, expires_at = issue_access(session)
    ticket, _ = issue_ticket(Authenticated(staff, session, expires_at))
    with django_assert_num_queries(1), pytest.raises(SecondFactorRequired):
        check_access(token)
    with pytest.raises(SecondFactorRequired):
        redeem_ticket(ticket)
    with django_assert_num_queries(1):
        assert check_access(token, enrolling=True).must_enrol
    enrol(staff, session)
    assert not check_access(token).must_enrol


def test_only_what_sets_one_is_open(make_agent: MakeAgent, http: Client) -> None:
    """Everything else is `forbidden`; the refusal says what to do and asks for no new login."""
    staff: Agent = make_agent("staff", is_staff=True)
    key = bearer(issue_access(open_session(staff))[0])
    for path in ("me", "sessions", "otp"):
        assert http.get(f"/api/auth/{path}", headers=key).status_code == 200, path
    answer = send(http, "/api/auth/ticket", **key)
    assert refused(answer, 403, "forbidden")
    assert "WWW-Authenticate" not in answer
    assert refused(send(http, "/api/auth/otp/confirm", {"otp": "123456"}, **key), 409, "conflict")
    enrolling = send(http, "/api/auth/otp/enrol", {"password": PASSWORD}, **key)
    assert enrolling.status_code == 200
    assert refused(http.delete("/api/auth/sessions/none", headers=key), 404, "not_found")
    assert refused(http.get("/api/missions", headers=key), 403, "forbidden")
    assert send(http, "/api/auth/logout", **key).status_code == 204
    assert refused(http.get("/api/auth/me", headers=key), 401, "token_invalid")
