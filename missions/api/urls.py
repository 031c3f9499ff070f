"""The paths of missions' REST calls, each with and without a trailing slash."""

from django.urls import path

from missions.api import mission_views, update_views

ROUTES = (
    ("missions", mission_views.Missions),
    ("missions/<str:mission_id>", mission_views.OneMission),
    ("missions/<str:mission_id>/members", mission_views.Members),
    ("missions/<str:mission_id>/members/<str:agent_id>", mission_views.OneMember),
    ("missions/<str:mission_id>/updates", update_views.Updates),
    ("agents", mission_views.Agents),
    ("updates/<str:update_id>", update_views.OneUpdate),
    ("updates/<str:update_id>/acknowledge", update_views.Acknowledgement),
    ("updates/<str:update_id>/receipts", update_views.Receipts),
)

urlpatterns = [
    path(f"{route}{slash}", view.as_view()) for route, view in ROUTES for slash in ("", "/")
]
