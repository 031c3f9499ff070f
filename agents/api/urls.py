"""The paths of accounts' REST calls, each with and without a trailing slash."""

from django.urls import path

from agents.api import views

ROUTES = (
    ("api/auth/login", views.Login),
    ("api/auth/refresh", views.Refresh),
    ("api/auth/logout", views.Logout),
    ("api/auth/ticket", views.Ticket),
    ("api/auth/me", views.Me),
    (".well-known/jwks.json", views.Keys),
)

urlpatterns = [
    path(f"{route}{slash}", view.as_view()) for route, view in ROUTES for slash in ("", "/")
]
