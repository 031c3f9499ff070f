"""Where the dashboard lives: the room at `/`, the form at `/login`."""

from django.urls import path

from missions.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.room, name="room"),
    path("login", views.login, name="login"),
    path("login/", views.login),
]
