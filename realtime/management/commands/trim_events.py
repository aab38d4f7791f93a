"""Trim the event log now, as one of the gateways does once an hour."""

from typing import Any

from django.conf import settings

from realtime import retention
from realtime.management.operating import OperatorCommand


class Command(OperatorCommand):
    help = (
        "Delete events older than EVENT_RETENTION_DAYS, but for each room's newest EVENT_RETENTION_MINIMUM."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        days, minimum = settings.EVENT_RETENTION_DAYS, settings.EVENT_RETENTION_MINIMUM
        if not days:
            self.stdout.write("EVENT_RETENTION_DAYS is 0: events are kept for ever.")
            return
        trimmed = retention.trim(days, minimum)
        self.stdout.write(
            f"Trimmed {trimmed.events} events older than {days} days from {trimmed.rooms} rooms; "
            f"the newest {minimum} of each are kept."
        )
