from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Real-time"

    def ready(self) -> None:
        from django.urls import register_converter

        # Importing them registers what they hold.
        from realtime import checks, log_in_lock, lookups, openapi  # noqa: F401
        from realtime.ids import IdConverter

        register_converter(IdConverter, "id")
