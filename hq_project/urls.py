"""Every path of HQ over HTTP: the apps', the pages about the API, health, and what nobody knows."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from hq_project import health, refusals, schema

OWN = (
    ("api/schema", schema.document),
    ("api/docs", schema.page),
    ("healthz", health.healthz),
    ("readyz", health.readyz),
)

urlpatterns = [
    path("", include("agents.urls")),
    path("api/", include("missions.api.urls")),
    *(path(f"{route}{slash}", view) for route, view in OWN for slash in ("", "/")),
    re_path(r"^api(?:/|$)", refusals.unknown_call),
    re_path(r"^admin$", RedirectView.as_view(url="/admin/", query_string=True)),
    path("admin/", admin.site.urls),
    re_path(r"^missions/?$", refusals.upgrade_required),
    path("", include("missions.dashboard.urls")),
]

handler400 = "hq_project.refusals.bad_request"
handler404 = "hq_project.refusals.not_found"
handler500 = "hq_project.refusals.server_error"
