"""What refusals of the admin leave in the security log: which page, by whom, about whom.

Holds no field of a form and no id but that of the account that was meant: pages are named by the
pattern of their path. Failed logins are written where they are decided. A middleware notes each
page that answers 403; what a page refuses in its own words notes itself here.
"""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import csrf

from agents import admin_sessions, notebook
from agents.errors import CsrfFailed, Forbidden

Answer = Callable[[HttpRequest], HttpResponseBase]

OF_AN_ACCOUNT = {"agents_agent_change", "agents_agent_delete", "auth_user_password_change"}
"""The pages whose path names an account."""


def forbidden_pages(get_response: Answer) -> Answer:
    """Middleware, behind that of `agents.admin_sessions`."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        match = request.resolver_match
        if response.status_code == 403 and match is not None and "admin" in match.namespaces:
            refused(request, vars(request).get("hq_refusal", Forbidden.code))
        return response

    return answer


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's page for a form without the right token; the middleware learns what it was."""
    vars(request)["hq_refusal"] = CsrfFailed.code
    return csrf.csrf_failure(request, reason)


def refused(request: HttpRequest, why: str) -> None:
    """Somebody was told that it may not; `why` is a code, and names of fields at most."""
    match, found = request.resolver_match, admin_sessions.entered(request)
    notebook.refused(
        "authz_fail",
        f"{why} {request.method} /{match.route if match else ''}",
        admin_sessions.address_of(request),
        actor=found.session.agent_id if found else None,
        subject=_account_meant(request),
        session=found.session.pk if found else None,
    )


def _account_meant(request: HttpRequest) -> UUID | None:
    match = request.resolver_match
    if match is None or match.url_name not in OF_AN_ACCOUNT:
        return None
    try:
        return UUID(str(match.kwargs.get("object_id") or match.kwargs.get("id")))
    except ValueError:
        return None
