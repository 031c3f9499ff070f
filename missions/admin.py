"""Missions in the admin: read-only, and only those that the staff agent may see.

Writes go through the room and its API, where they are checked and announced. Logs are not shown
here at all: what an agent reads, it reads as that agent, in the room.
"""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agents.admin.rank import ReadOnly, manager_of
from agents.models import Agent
from missions import selectors
from missions.models import Mission

if TYPE_CHECKING:
    _MissionAdmin = admin.ModelAdmin[Mission]
else:
    _MissionAdmin = admin.ModelAdmin


@admin.register(Mission)
class MissionAdmin(ReadOnly, _MissionAdmin):
    """A list and a page for looking; lists, counts and searches see what the agent sees."""

    list_display = ("codename", "status", "classification", "id")
    list_filter = ("status", "classification")
    search_fields = ("codename",)
    fields = ("id", "codename", "objective", "status", "classification", "members")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Mission]:
        """The missions that this staff agent may enter."""
        return selectors.visible_missions(manager_of(request))

    @admin.display
    def members(self, mission: Mission) -> str:
        """Codename and role of each member."""
        members = Agent.objects.filter(assignments__mission=mission).order_by("codename", "id")
        return ", ".join(f"{member.codename} ({member.role})" for member in members) or "nobody"
