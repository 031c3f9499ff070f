"""Who is in: sessions and open sockets, those of agents whom the own standing covers.

Read-only but for what they are for: sessions are ended here, the admin's and those of programs
too, and sockets disconnected. A socket that is only disconnected may come back; its session's end
closes it for good.
"""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from agents import admin_sessions, audit, connections, sessions
from agents.admin.rank import ReadOnly, managed, tell
from agents.models import Connection, Session

if TYPE_CHECKING:
    SessionModelAdmin = admin.ModelAdmin[Session]
    ConnectionModelAdmin = admin.ModelAdmin[Connection]
else:
    SessionModelAdmin = ConnectionModelAdmin = admin.ModelAdmin

STANDING = Q(ended_at=None, expires_at__gt=Now())
OPEN = Q(closed_at=None, worker__lease_until__gt=Now())
LOST = Q(closed_at=None, worker__lease_until__lte=Now())


class StandingFilter(admin.SimpleListFilter):
    """Sessions that can be used, or no more."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("standing", "standing"), ("over", "over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = {"standing": STANDING, "over": ~STANDING}.get(self.value() or "", Q())
        return queryset.filter(chosen)


class OpenFilter(admin.SimpleListFilter):
    """Sockets that are open, closed, or lost with their worker."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", "open now"),
            ("closed", "closed"),
            ("lost", "lost with its worker"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        states = {"open": OPEN, "closed": Q(closed_at__isnull=False), "lost": LOST}
        return queryset.filter(states.get(self.value() or "", Q()))


@admin.register(Session)
class SessionAdmin(ReadOnly, SessionModelAdmin):
    """Logins, tokens of programs, and logins to this admin."""

    list_display = (
        *("agent", "kind", "name", "standing", "address", "created_at", "expires_at"),
        *("ended_at", "ended_reason"),
    )
    list_filter = (StandingFilter, "kind", "ended_reason")
    search_fields = ("agent__username", "agent__codename", "name", "address")
    list_select_related = ("agent",)
    fields = ("id", *list_display, "user_agent", "rotated_at", "refresh_expires_at")
    readonly_fields = fields
    actions = ("end",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        """The sessions of those whom the asking agent may manage."""
        stands = ExpressionWrapper(STANDING, output_field=BooleanField())
        found = super().get_queryset(request).filter(managed(request, "agent__"))
        return found.annotate(stands=stands)

    @admin.display(boolean=True)
    def standing(self, session: Session) -> bool:
        """Whether it can be used."""
        return bool(getattr(session, "stands", False))

    @admin.action(description="End selected sessions", permissions=["view"])
    def end(self, request: HttpRequest, chosen: QuerySet[Session]) -> None:
        """Refuses their tokens and closes their sockets, at once."""
        end_all(self, request, chosen.values_list("pk", flat=True))


@admin.register(Connection)
class ConnectionAdmin(ReadOnly, ConnectionModelAdmin):
    """Open sockets, and those that were open."""

    list_display = (
        *("agent", "is_open", "kind", "address", "user_agent", "opened_at"),
        *("closed_at", "close_code", "frames_in", "frames_out"),
    )
    list_filter = (OpenFilter, "session__kind", "agent__role", "close_code")
    search_fields = ("agent__username", "agent__codename", "address", "user_agent")
    list_select_related = ("agent", "session")
    fields = ("id", "session", "worker", *list_display, "disconnect_wanted")
    readonly_fields = fields
    actions = ("end_sessions", "disconnect")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """The sockets of those whom the asking agent may manage."""
        opened = ExpressionWrapper(OPEN, output_field=BooleanField())
        found = super().get_queryset(request).filter(managed(request, "agent__"))
        return found.annotate(opened_now=opened)

    @admin.display(boolean=True, description="open")
    def is_open(self, connection: Connection) -> bool:
        """Whether it is open now, as far as its worker lives."""
        return bool(getattr(connection, "opened_now", False))

    @admin.display(description="session kind")
    def kind(self, connection: Connection) -> str:
        """Of its session: a login or a program's token."""
        return connection.session.kind

    @admin.action(description="End the sessions of selected connections", permissions=["view"])
    def end_sessions(self, request: HttpRequest, chosen: QuerySet[Connection]) -> None:
        """Logs them out: all sockets of these sessions close, and none comes back."""
        end_all(self, request, chosen.values_list("session_id", flat=True).distinct().order_by())

    @admin.action(description="Disconnect selected connections", permissions=["view"])
    def disconnect(self, request: HttpRequest, chosen: QuerySet[Connection]) -> None:
        """Closes them within seconds; their clients may come back."""
        wanted = list(chosen.filter(OPEN))
        with transaction.atomic():
            number = connections.want_disconnected(one.pk for one in wanted)
            for one in wanted:
                audit.record(
                    "disconnect_requested",
                    subject=one.agent_id,
                    session=one.session_id,
                    connection=str(one.pk),
                    **admin_sessions.by(request),
                )
        tell(self, request, f"Closing {number} connection(s).")


def end_all(page: Any, request: HttpRequest, session_ids: QuerySet[Any, Any]) -> None:
    """Ends these sessions and says how many stood; the audit log has each.

    Each in a transaction of its own: whoever holds the audit log may not wait for a session.
    """
    by = admin_sessions.by(request)
    ended = sum(sessions.end_session(one, "administrator", **by) for one in list(session_ids))
    tell(page, request, f"Ended {ended} session(s).")
