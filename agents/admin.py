"""Accounts and sessions in the admin: who may enter HQ, as what, and who is in.

Staff manage accounts whose rank, clearance and staff rights do not exceed their own, and cannot
raise anybody beyond themselves. Role, clearance and activity are saved through
`agents.accounts.set_access`, a new password through `save_password`. Accounts are disabled, never
deleted. Shows no token and nothing of a password.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_otp.plugins.otp_totp.admin import TOTPDevice

from agents import accounts, sessions
from agents.accounts import Standing, standing_of
from agents.models import Agent, Session
from agents.roles import Clearance, Role

if TYPE_CHECKING:
    AgentForm = forms.ModelForm[Agent]
    AgentCreationForm = AdminUserCreationForm[Agent]
    AgentPasswordForm = AdminPasswordChangeForm[Agent]
    AgentModelAdmin = UserAdmin[Agent]
    SessionModelAdmin = admin.ModelAdmin[Session]
else:
    AgentForm, AgentCreationForm = forms.ModelForm, AdminUserCreationForm
    AgentPasswordForm = AdminPasswordChangeForm
    AgentModelAdmin, SessionModelAdmin = UserAdmin, admin.ModelAdmin

ACCESS = ("role", "clearance", "is_active")
PROFILE = ("username", "codename")
RIGHTS = ("is_staff", "is_superuser")

admin.site.site_header = admin.site.site_title = "HQ"
admin.site.unregister(Group)
admin.site.unregister(TOTPDevice)  # its page shows secrets


class StandingForm(AgentForm):
    """Refuses to make an account that exceeds the one who makes it."""

    manager: ClassVar[Agent]

    def clean(self) -> dict[str, Any]:
        """The fields, with an error where they exceed the manager's own."""
        said = super().clean() or self.cleaned_data
        wanted = Standing(
            Role(said.get("role", Role.FIELD_OPERATIVE)).rank,
            said.get("clearance", Clearance.RESTRICTED),
            said.get("is_staff", False),
            said.get("is_superuser", False),
        )
        own = standing_of(self.manager)
        fields = ("role", "clearance", *RIGHTS)
        for field, mine, theirs in zip(fields, own, wanted, strict=True):
            if theirs > mine:
                self.add_error(field, "This exceeds what you have yourself.")
        return said


class ChangeForm(StandingForm):
    """An existing account. The password has a page of its own."""

    class Meta:
        model = Agent
        fields = (*PROFILE, *ACCESS, *RIGHTS)


class CreationForm(StandingForm, AgentCreationForm):
    """A new account with its first password."""

    class Meta:
        model = Agent
        fields = (*PROFILE, "role", "clearance", *RIGHTS)


class PasswordForm(AgentPasswordForm):
    """A new password ends the sessions that the old one opened."""

    def save(self, commit: bool = True) -> Agent:
        """Keeps the password and ends the account's sessions."""
        agent = super().save(commit=False)
        if commit:
            accounts.save_password(agent)
        return agent


class StaffMayEnter:
    """Being staff is the right to manage; what exactly, the rank rule says."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
        (None, {"fields": (*PROFILE, "password_page")}),
        ("Access", {"fields": ACCESS}),
        ("Administration", {"fields": RIGHTS}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"fields": (*PROFILE, "usable_password", "password1", "password2")}),
        ("Access", {"fields": ("role", "clearance")}),
        ("Administration", {"fields": RIGHTS}),
    )
    actions = ("end_sessions",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Agent | None = None) -> bool:
        """Whether the account's standing is within that of the one who asks."""
        if not self.has_module_permission(request):
            return False
        return obj is None or standing_of(manager_of(request)).covers(standing_of(obj))

    def get_form(
        self, request: HttpRequest, obj: Agent | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"manager": manager_of(request)})

    def save_model(self, request: HttpRequest, obj: Agent, form: Any, change: bool) -> None:
        """Access through `accounts`, everything else as it is."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        plain = [field for field in form.changed_data if field in (*PROFILE, *RIGHTS)]
        if plain:
            obj.save(update_fields=plain)
        accounts.set_access(
            obj.pk,
            role=Role(obj.role),
            clearance=Clearance(obj.clearance),
            is_active=obj.is_active,
        )

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
        managed = [agent for agent in chosen if self.has_change_permission(request, agent)]
        ended = sum(sessions.end_sessions(one.id, reason="administrator") for one in managed)
        tell(self, request, ended, chosen.count() - len(managed))


@admin.register(Session)
class SessionAdmin(StaffMayEnter, SessionModelAdmin):
    """Who is in, since when, from where. Sessions are ended here and changed nowhere."""

    list_display = ("agent", "kind", "name", "created_at", "expires_at", "ended_at", "ended_reason")
    list_filter = ("kind", "ended_reason")
    search_fields = ("agent__username", "agent__codename", "name")
    list_select_related = ("agent",)
    fields = (*list_display, "address", "user_agent")
    actions = ("end",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    @admin.action(description="End selected sessions", permissions=["view"])
    def end(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        """Ends the sessions of those whom the asking agent may manage."""
        own = standing_of(manager_of(request))
        found: Sequence[Session] = list(chosen.select_related("agent"))
        managed = [session for session in found if own.covers(standing_of(session.agent))]
        ended = sum(sessions.end_session(one.id, "administrator") for one in managed)
        tell(self, request, ended, len(found) - len(managed))


def manager_of(request: HttpRequest) -> Agent:
    """Who asks; the admin lets nobody in who is not logged in."""
    if not isinstance(request.user, Agent):
        raise TypeError("The admin was reached without a login.")
    return request.user


def tell(page: Any, request: HttpRequest, ended: int, refused: int) -> None:
    """Says what an action did, and what it would not do."""
    page.message_user(request, f"Ended {ended} session(s).", messages.SUCCESS)
    if refused:
        page.message_user(
            request, f"{refused} not ended: these agents stand above you.", messages.WARNING
        )
