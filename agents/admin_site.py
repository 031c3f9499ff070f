"""The admin itself: how one gets in, and what stands before everything in it.

A login counts, waits and answers as one over the API does (`agents.logins`). Outside development
staff without a second factor reach nothing but the page that sets one.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from agents import accounts, admin_sessions, admin_trail, lockout, logins, notebook
from agents.errors import InvalidCredentials, OtpRequired, RateLimited, TokenInvalid

View = Callable[..., HttpResponseBase]


class LoginForm(AdminAuthenticationForm):
    """Name and password of staff, and the code where a second factor is set."""

    password = forms.CharField(
        strip=False,
        max_length=accounts.PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    otp = forms.CharField(
        label="One-time code",
        required=False,
        max_length=64,
        help_text="From your authenticator, or a recovery code, if you have set a second factor.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
    )

    def clean(self) -> dict[str, Any]:
        """One attempt, as `agents.logins` judges it; who is no staff has failed."""
        said: dict[str, Any] = self.cleaned_data
        if not {"username", "password"} <= said.keys() or self.request is None:
            return said
        try:
            proof = logins.prove(
                said["username"],
                said["password"],
                said.get("otp"),
                address=admin_sessions.address_of(self.request),
            )
        except OtpRequired as refusal:
            self.add_error("otp", refusal.message)
            return said
        except RateLimited as refusal:
            raise ValidationError(refusal.message) from None
        except InvalidCredentials:
            raise self.get_invalid_login_error() from None
        try:
            self.confirm_login_allowed(proof.agent)
        except ValidationError:
            # Counted like a wrong password, and answered in its words.
            address = admin_sessions.address_of(self.request)
            notebook.refused("authn_login_fail", "not_staff", address, subject=proof.agent.pk)
            lockout.fail(proof.attempt)
            raise
        admin_sessions.leave(self.request)
        admin_sessions.proved_by(self.request, proof)
        self.user_cache = proof.agent
        vars(proof.agent)["backend"] = settings.AUTHENTICATION_BACKENDS[0]
        return said


class HQSite(AdminSite):
    """Django's admin with HQ's logins, and a page for the own second factor."""

    site_header = site_title = "HQ"
    login_form = LoginForm
    login_template = "agents/admin/login.html"
    ungated: ClassVar[set[str]] = {"logout"}

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether who asks came in by a standing session of the admin."""
        return admin_sessions.entered(request) is not None

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Django's, and before it the second factor, except for the way out."""
        inner: View = super().admin_view(view, cacheable)
        if getattr(view, "__name__", "") in self.ungated:
            return inner

        def gated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if admin_sessions.must_enrol(request):
                admin_trail.refused(request, "second_factor")
                return HttpResponseRedirect(reverse("admin:second_factor"))
            return inner(request, *args, **kwargs)

        return update_wrapper(gated, view)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """With the pages about oneself."""
        from agents.admin import own

        password = self.admin_view(own.Password.as_view(site=self))
        # Not behind the gate, which leads here.
        second_factor = super().admin_view(own.SecondFactor.as_view(site=self))
        return [
            path("password_change/", password, name="password_change"),
            path("second_factor/", second_factor, name="second_factor"),
            *super().get_urls(),
        ]

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; a login whose proof ceased to hold at that moment is none, and has failed."""
        try:
            return super().login(request, extra_context)
        except TokenInvalid:
            admin_sessions.failed(request)
            return HttpResponseRedirect(reverse("admin:login"))

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Ends the session's row too, and the browser forgets what it kept of this site."""
        response = super().logout(request, extra_context)
        response["Clear-Site-Data"] = '"cache", "storage"'
        return response
