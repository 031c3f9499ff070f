from django.apps import AppConfig
from django.contrib.admin import apps


class AgentsConfig(AppConfig):
    name = "agents"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from agents import admin_sessions, checks  # noqa: F401  (registers checks and receivers)


class HQAdminConfig(apps.AdminConfig):
    default = False  # it is the admin's, not this app's
    default_site = "agents.admin_site.HQSite"
