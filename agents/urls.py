"""Every path of accounts; `hq_project.urls` includes them at the root."""

from django.urls import include, path

urlpatterns = [path("", include("agents.api.urls"))]
