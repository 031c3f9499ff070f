"""The paths of accounts' REST calls, each with and without a trailing slash."""

from django.urls import path

from agents.api import account_views, views

ROUTES = (
    ("api/auth/login", views.Login),
    ("api/auth/refresh", views.Refresh),
    ("api/auth/logout", views.Logout),
    ("api/auth/ticket", views.Ticket),
    ("api/auth/me", views.Me),
    ("api/auth/sessions", account_views.Sessions),
    ("api/auth/sessions/<str:session_id>", account_views.OneSession),
    ("api/auth/password", account_views.Password),
    ("api/auth/otp", account_views.Otp),
    ("api/auth/otp/enrol", account_views.Enrol),
    ("api/auth/otp/confirm", account_views.Confirm),
    ("api/auth/otp/picture", account_views.Picture),
    (".well-known/jwks.json", views.Keys),
)

urlpatterns = [
    path(f"{route}{slash}", view.as_view()) for route, view in ROUTES for slash in ("", "/")
]
