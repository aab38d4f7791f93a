"""Everyone to polling, and back."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import records, standing
from realtime.connection import LONG_POLL
from realtime.management.switching import SwitchCommand
from realtime.management.wording import are, counted
from realtime.standing import Standing


class Command(SwitchCommand):
    help = (
        "Turn real-time off for everyone, at once, and on again. Off closes every socket with 4000; boards "
        "go on by polling and say so. Nothing is lost."
    )
    setting = "realtime"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--banner", metavar="TEXT", help="shown on every board; `on` without it takes the banner away"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "status" and options["banner"] is not None:
            raise CommandError("--banner goes with on and off")
        super().handle(*args, **options)

    def changes(self, on: bool, options: dict[str, Any]) -> dict[str, Any]:
        changes, banner = super().changes(on, options), options["banner"]
        return changes if banner is None and not on else {**changes, "banner": banner or None}

    def more(self, stands: Standing) -> list[str]:
        banner = standing.of("banner").in_force
        live = records.live().exclude(transport=LONG_POLL).count()
        sockets = f"{counted(live, 'socket')} {are(live)} open."
        return [f"{sockets} Banner: {banner}" if banner else f"{sockets} No banner."]
