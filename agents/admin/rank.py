"""Who may manage whom: what every page of the admin shares.

Being staff is the right to enter; whom one reaches is decided by the standing (`agents.accounts`):
rank, clearance and staff rights, none of which may exceed the own. Nothing is deleted here.
"""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest

from agents import admin_sessions, admin_trail
from agents.accounts import Standing, standing_of, within
from agents.models import Agent


def manager_of(request: HttpRequest) -> Agent:
    """Who asks; the admin lets nobody in who is not logged in."""
    return admin_sessions.caller(request).agent


def own_standing(request: HttpRequest) -> Standing:
    """The standing of who asks."""
    return standing_of(manager_of(request))


def managed(request: HttpRequest, agent: str = "") -> Q:
    """The accounts that who asks may manage; `agent` is the path to them."""
    return within(own_standing(request), agent)


class StaffMayEnter:
    """A page that staff may see."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return admin_sessions.entered(request) is not None

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(StaffMayEnter):
    """A page for looking; what it changes it changes by its actions."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def tell(page: Any, request: HttpRequest, done: str, refused: int = 0) -> None:
    """Says what an action did, and for how many it did nothing."""
    page.message_user(request, done, messages.SUCCESS)
    if refused:
        admin_trail.refused(request, f"forbidden {request.POST.get('action')}")
        page.message_user(
            request, f"{refused} left as they are: these agents stand above you.", messages.WARNING
        )
