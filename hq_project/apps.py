from django.apps import AppConfig


class ProjectConfig(AppConfig):
    name = "hq_project"

    def ready(self) -> None:
        from django.conf import settings

        from hq_project import checks, logs  # noqa: F401  (registers the checks)

        logs.take_over(development=settings.HQ_DEVELOPMENT)
