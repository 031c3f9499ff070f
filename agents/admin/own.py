"""What staff change about themselves in the admin: the password and the second factor.

The same services as the API's, so that the same proofs are asked for, the same attempts counted and
the same sessions ended. Secrets and recovery codes are shown once and kept by no cache.
"""

from typing import Any

import segno
from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.debug import sensitive_post_parameters

from agents import accounts, admin_sessions, enrolment, logins, mfa
from agents.errors import HQError


def _secret(label: str, autocomplete: str, **more: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        strip=False,
        max_length=accounts.PASSWORD_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        **more,
    )


def _code(label: str, **more: Any) -> forms.CharField:
    boxes = forms.TextInput(attrs={"autocomplete": "one-time-code"})
    return forms.CharField(label=label, max_length=64, widget=boxes, **more)


class PasswordForm(forms.Form):
    """The old password, the code where one is set, and the new password twice."""

    current_password = _secret("Old password", "current-password")
    otp = _code("One-time or recovery code", required=False)
    new_password = _secret("New password", "new-password")
    again = _secret("New password again", "new-password")

    def clean_again(self) -> str:
        """The second time it is the same."""
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new_password"):
            raise forms.ValidationError("The two new passwords are not the same.")
        return again


class BeginForm(forms.Form):
    """What beginning to set a second factor takes."""

    password = _secret("Password", "current-password")


class ConfirmForm(forms.Form):
    """The first code."""

    otp = _code("The six digits that the authenticator shows")


class RemoveForm(forms.Form):
    """What removing a second factor takes."""

    password = _secret("Password", "current-password")
    otp = _code("One-time or recovery code")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class OwnPage(View):
    """A page about oneself, in the admin's frame."""

    site: AdminSite | None = None

    def page(self, request: HttpRequest, title: str, **shown: Any) -> HttpResponse:
        """The page with what it shows: `form`, or `codes`."""
        assert self.site is not None  # noqa: S101  (given by `as_view`)
        context = {**self.site.each_context(request), "title": title, **shown}
        # No links to pages that are closed until a second factor is set.
        context["is_nav_sidebar_enabled"] = False
        return TemplateResponse(request, "agents/admin/own.html", context)


def refused(form: forms.Form, refusal: HQError) -> None:
    """Shows a refusal beside its field, or above the form."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)


class Password(OwnPage):
    """The own password."""

    title = "Change password"
    button = "Change my password"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self.page(request, self.title, form=PasswordForm(), button=self.button)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Changes it, and ends all other sessions."""
        form = PasswordForm(request.POST)
        if form.is_valid():
            caller, said = admin_sessions.caller(request), form.cleaned_data
            try:
                accounts.change_password(
                    caller,
                    said["current_password"],
                    said["new_password"],
                    said["otp"],
                    address=admin_sessions.address_of(request),
                )
            except HQError as refusal:
                refused(form, refusal)
            else:
                caller.agent.refresh_from_db(fields=["password"])
                update_session_auth_hash(request, caller.agent)
                messages.success(
                    request, "Your password was changed; your other sessions have ended."
                )
                return HttpResponseRedirect(reverse("admin:index"))
        return self.page(request, self.title, form=form, button=self.button)


class SecondFactor(OwnPage):
    """The own second factor: begun, confirmed, removed. `step` says which."""

    title = "Second factor"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What can be done: set one, or remove the one that is set."""
        if enrolment.enrolled(admin_sessions.caller(request).agent):
            return self._remove_page(request, RemoveForm())
        return self._begin_page(request, BeginForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Does the step that was asked for."""
        steps = {"begin": self._begin, "confirm": self._confirm, "remove": self._remove}
        step = steps.get(request.POST.get("step", ""))
        return self.get(request) if step is None else step(request)

    def _begin(self, request: HttpRequest) -> HttpResponse:
        form = BeginForm(request.POST)
        if form.is_valid():
            agent = admin_sessions.caller(request).agent
            address = admin_sessions.address_of(request)
            try:
                mfa.require_none(agent)
                logins.prove_again(agent, form.cleaned_data["password"], address=address)
                enrolment = mfa.enrol(agent)
            except HQError as refusal:
                refused(form, refusal)
            else:
                return self._confirm_page(request, ConfirmForm(), enrolment)
        return self._begin_page(request, form)

    def _confirm(self, request: HttpRequest) -> HttpResponse:
        form = ConfirmForm(request.POST)
        if form.is_valid():
            caller, address = admin_sessions.caller(request), admin_sessions.address_of(request)
            try:
                codes = mfa.confirm(caller, form.cleaned_data["otp"], address=address)
            except HQError as refusal:
                refused(form, refusal)
            else:
                return self.page(request, self.title, codes=codes)
        return self._confirm_page(request, form)

    def _remove(self, request: HttpRequest) -> HttpResponse:
        form = RemoveForm(request.POST)
        if form.is_valid():
            caller, said = admin_sessions.caller(request), form.cleaned_data
            address = admin_sessions.address_of(request)
            try:
                mfa.require_one(caller.agent)
                logins.prove_again(caller.agent, said["password"], said["otp"], address=address)
                mfa.disable(caller, address=address)
            except HQError as refusal:
                refused(form, refusal)
            else:
                messages.success(request, "The second factor was removed.")
                return HttpResponseRedirect(reverse("admin:second_factor"))
        return self._remove_page(request, form)

    def _begin_page(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        needed = admin_sessions.must_enrol(request)
        button = "Set a second factor"
        return self.page(request, self.title, form=form, step="begin", button=button, needed=needed)

    def _confirm_page(
        self, request: HttpRequest, form: forms.Form, enrolment: mfa.Enrolment | None = None
    ) -> HttpResponse:
        shown: dict[str, Any] = {"form": form, "step": "confirm", "button": "Confirm"}
        if enrolment is not None:
            code = segno.make(enrolment.uri, error="m", micro=False)
            shown["picture"] = code.svg_data_uri(scale=4, dark="#000", light="#fff", border=4)
            shown["secret"] = enrolment.secret
        return self.page(request, self.title, **shown)

    def _remove_page(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        button = "Remove the second factor"
        return self.page(request, self.title, form=form, step="remove", button=button)
