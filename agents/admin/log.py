"""The security log in the admin: read and searched, never written.

Shown are events by and about agents whom the own standing covers, and those of nobody: refusals
before authentication. Rows about missions are shown to those alone from whom no mission is hidden.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest

from agents.admin.rank import ReadOnly, managed, manager_of
from agents.models import Agent, AuditEvent
from agents.roles import Clearance, Role, Viewer

if TYPE_CHECKING:
    AuditModelAdmin = admin.ModelAdmin[AuditEvent]
else:
    AuditModelAdmin = admin.ModelAdmin

SEES_EVERY_MISSION = Viewer(Role.DIRECTOR, Clearance.TOP_SECRET)


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, AuditModelAdmin):
    """Newest first; found by event, by whom and about whom."""

    list_display = ("number", "at", "event", "by", "about", "address", "said")
    list_filter = ("event",)
    search_fields = ("event", "address")
    search_help_text = "An event, an address, or the name of an agent"
    show_full_result_count = False
    fields = (
        *("number", "at", "event", "by", "actor", "about", "subject", "session", "address"),
        *("details", "previous", "digest"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """The rows whose agents the asking agent may manage, with their names."""
        above = Agent.objects.exclude(managed(request)).values("pk")
        found = super().get_queryset(request).exclude(actor__in=above).exclude(subject__in=above)
        if manager_of(request).viewer != SEES_EVERY_MISSION:
            found = found.exclude(details__has_key="mission")
        return found.annotate(by_name=_name("actor"), about_name=_name("subject"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Also by the name of who did it or whom it is about."""
        found, twice = super().get_search_results(request, queryset, search_term)
        if search_term:
            term = search_term.strip()
            named = Agent.objects.filter(Q(username__iexact=term) | Q(codename__iexact=term))
            agents = list(named.values_list("pk", flat=True))
            found |= queryset.filter(Q(actor__in=agents) | Q(subject__in=agents))
        return found, twice

    @admin.display(ordering="by_name")
    def by(self, event: AuditEvent) -> str:
        """The codename of who did it."""
        return _shown(getattr(event, "by_name", None), event.actor)

    @admin.display(ordering="about_name")
    def about(self, event: AuditEvent) -> str:
        """The codename of whom it is about."""
        return _shown(getattr(event, "about_name", None), event.subject)

    @admin.display(description="details")
    def said(self, event: AuditEvent) -> str:
        """The details on one line."""
        return ", ".join(f"{name}: {value}" for name, value in sorted(event.details.items()))


def _name(field: str) -> Subquery:
    return Subquery(Agent.objects.filter(pk=OuterRef(field)).values("codename")[:1])


def _shown(name: str | None, agent_id: Any) -> str:
    return name or ("" if agent_id is None else str(agent_id))
