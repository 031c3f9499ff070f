"""Accounts in the admin: made, changed, given a password, logged out.

Staff manage accounts whose standing is within their own, and cannot raise anybody beyond
themselves. Role, clearance and activity are saved through `agents.accounts.set_access`, names and
staff rights through `save_profile`, a new password through `save_password`; each writes its row in
the audit log. Accounts are disabled, never deleted.
"""

import copy
import hashlib
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_otp.plugins.otp_totp.admin import TOTPDevice

from agents import accounts, admin_sessions, admin_trail, mfa, sessions
from agents.accounts import Standing, standing_of
from agents.admin.rank import StaffMayEnter, manager_of, own_standing, tell
from agents.models import Agent
from agents.roles import Clearance, Role

if TYPE_CHECKING:
    AgentForm = forms.ModelForm[Agent]
    AgentCreationForm = AdminUserCreationForm[Agent]
    AgentPasswordForm = AdminPasswordChangeForm[Agent]
    AgentModelAdmin = UserAdmin[Agent]
else:
    AgentForm, AgentCreationForm = forms.ModelForm, AdminUserCreationForm
    AgentPasswordForm = AdminPasswordChangeForm
    AgentModelAdmin = UserAdmin

ACCESS = ("role", "clearance", "is_active")
PROFILE = ("username", "codename")
RIGHTS = ("is_staff", "is_superuser")

admin.site.unregister(Group)
admin.site.unregister(TOTPDevice)  # its page shows secrets


class StandingForm(AgentForm):
    """Refuses to make an account that exceeds the one who makes it."""

    asking: ClassVar[HttpRequest]

    def clean(self) -> dict[str, Any]:
        """The fields, with an error where they exceed the manager's own."""
        said = super().clean() or self.cleaned_data
        wanted = Standing(
            Role(said.get("role", Role.FIELD_OPERATIVE)).rank,
            said.get("clearance", Clearance.RESTRICTED),
            said.get("is_staff", False),
            said.get("is_superuser", False),
        )
        own = own_standing(self.asking)
        fields = ("role", "clearance", *RIGHTS)
        exceeding = [
            field for field, mine, theirs in zip(fields, own, wanted, strict=True) if theirs > mine
        ]
        for field in exceeding:
            self.add_error(field, "This exceeds what you have yourself.")
        if exceeding:
            admin_trail.refused(self.asking, f"exceeds_own {' '.join(exceeding)}")
        return said


def drawn_of(agent: Agent) -> str:
    """What a page shows of an account, as a digest; another one after any change of it."""
    shown = [getattr(agent, field) for field in ("access_revision", *PROFILE, *ACCESS, *RIGHTS)]
    return hashlib.sha256(repr(shown).encode()).hexdigest()


class ChangeForm(StandingForm):
    """An existing account. The password has a page of its own.

    A page that was loaded before somebody else's change would take that change back: it is refused.
    """

    drawn = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Agent
        fields = (*PROFILE, *ACCESS, *RIGHTS)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["drawn"] = drawn_of(self.instance)

    def clean(self) -> dict[str, Any]:
        """The fields, if the account is still as it was shown; its row is locked until saved."""
        locked = Agent.objects.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if locked is None or self.data.get("drawn") != drawn_of(locked):
            raise forms.ValidationError(
                "This account was changed after the page was loaded. Load the page again, look at "
                "what it says now, and make your change there."
            )
        return super().clean()


class CreationForm(StandingForm, AgentCreationForm):
    """A new account with its first password."""

    class Meta:
        model = Agent
        fields = (*PROFILE, "role", "clearance", *RIGHTS)


class PasswordForm(AgentPasswordForm):
    """A new password ends the sessions that the old one opened."""

    by: ClassVar[dict[str, Any]]

    def save(self, commit: bool = True) -> Agent:
        """Keeps the password and ends the account's sessions."""
        agent = super().save(commit=False)
        if commit:
            accounts.save_password(agent, **self.by)
        return agent


@admin.register(Agent)
class AgentAdmin(StaffMayEnter, AgentModelAdmin):
    """The list of accounts, and each account."""

    form = ChangeForm
    add_form = CreationForm
    change_password_form = PasswordForm
    list_display = ("codename", "username", "role", "clearance", "is_active", "is_staff")
    list_filter = ("role", "clearance", "is_active", "is_staff")
    search_fields = ("username", "codename")
    ordering = ("codename",)
    filter_horizontal = ()
    readonly_fields = ("password_page", "last_login", "created_at")
    fieldsets = (
        (None, {"fields": (*PROFILE, "password_page", "drawn")}),
        ("Access", {"fields": ACCESS}),
        ("Administration", {"fields": RIGHTS}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": (*PROFILE, "usable_password", "password1", "password2")}),
        ("Access", {"fields": ("role", "clearance")}),
        ("Administration", {"fields": RIGHTS}),
    )
    actions = ("end_sessions", "remove_second_factor")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Whether the account's standing is within that of the one who asks."""
        if not self.has_module_permission(request):
            return False
        return obj is None or own_standing(request).covers(standing_of(obj))

    def get_form(
        self, request: HttpRequest, obj: Agent | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"asking": request})

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """Through `accounts`: rights first, whose row in the audit log is locked last."""
        by = admin_sessions.by(request)
        if not change:
            super().save_model(request, obj, form, change)
            accounts.record_created(obj, **by)
            return
        changed = [field for field in form.changed_data if field in (*PROFILE, *RIGHTS)]
        access: dict[str, Any] = {
            "role": Role(obj.role),
            "clearance": Clearance(obj.clearance),
            "is_active": obj.is_active,
        }
        # What was not changed here is not said: somebody else may have changed it.
        accounts.set_access(
            obj.pk, **{field: access[field] for field in ACCESS if field in form.changed_data}, **by
        )
        if changed:
            accounts.save_profile(obj, {field: form.initial.get(field) for field in changed}, **by)

    def user_change_password(
        self,
        request: HttpRequest,
        id: str,  # noqa: A002  (Django's name)
        form_url: str = "",
    ) -> HttpResponse:
        """Another's password; for the own one, the page that asks for the old one."""
        if self.get_object(request, unquote(id)) == manager_of(request):
            return HttpResponseRedirect(reverse("admin:password_change"))
        page = copy.copy(self)  # pages are shared between requests
        made: Any = type("PasswordForm", (PasswordForm,), {"by": admin_sessions.by(request)})
        page.change_password_form = made
        return super(AgentAdmin, page).user_change_password(request, id, form_url)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """What the admin's log keeps: for access, the value before and the value after."""
        message: Any = super().construct_change_message(request, form, formsets, add)
        changes = [
            f"{field}: {form.initial.get(field)} to {form.cleaned_data[field]}"
            for field in (*ACCESS, *RIGHTS)
            if not add and field in form.changed_data
        ]
        return [*message, {"changed": {"fields": changes}}] if changes else message

    @admin.display(description="password")
    def password_page(self, agent: Agent) -> SafeString:
        """A link, and nothing about the password itself."""
        return format_html('<a href="{}">Set a new password</a>', "../password/")

    @admin.action(description="End all sessions of selected agents", permissions=["change"])
    def end_sessions(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        """Logs out those whom the asking agent may manage."""
        by, reached = admin_sessions.by(request), self._reached(request, chosen)
        ended = sum(sessions.end_sessions(one.pk, reason="administrator", **by) for one in reached)
        tell(self, request, f"Ended {ended} session(s).", chosen.count() - len(reached))

    @admin.action(description="Remove the second factor of selected agents", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, chosen: QuerySet[Agent]) -> None:
        """For those who lost it: ends all their sessions. Not for oneself."""
        by, reached = admin_sessions.by(request), self._reached(request, chosen)
        others = [agent for agent in reached if agent != manager_of(request)]
        removed = sum(mfa.remove(agent, **by) for agent in others)
        tell(self, request, f"Removed {removed} second factor(s).", chosen.count() - len(reached))

    def _reached(self, request: HttpRequest, chosen: QuerySet[Agent]) -> list[Agent]:
        return [agent for agent in chosen if self.has_change_permission(request, agent)]
