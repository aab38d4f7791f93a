from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Real-time"

    def ready(self) -> None:
        from realtime import checks, lookups, openapi  # noqa: F401  importing them registers what they hold
