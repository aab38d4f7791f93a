from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Real-time"

    def ready(self) -> None:
        from django.urls import register_converter

        from realtime import checks, lookups, openapi  # noqa: F401  importing them registers what they hold
        from realtime.ids import IdConverter

        register_converter(IdConverter, "id")
