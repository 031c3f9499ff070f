from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "hq_project"

    def ready(self) -> None:
        from hq_project import checks  # noqa: F401  (registers the checks)
