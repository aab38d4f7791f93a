from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Real-time"

    def ready(self) -> None:
        from realtime import openapi  # noqa: F401  drf-spectacular finds extensions once they are imported
