"""Strict mode, on every gateway at once."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import forecast
from realtime.management.switching import SwitchCommand


class Command(SwitchCommand):
    help = (
        "Throw strict mode on every gateway at once. It requires credentials, an Origin or a bearer token, "
        "and the rate limit; whoever does not meet that is closed with 4403 within 2 s."
    )
    setting = "strict"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help="with on: only say whom it would cut off")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"] and options["what"] != "on":
            raise CommandError("--dry-run goes with on: off cuts nobody off")
        if options["what"] == "on":
            cuts = forecast.of_policy({self.setting: True})
            if options["dry_run"] and options["json"]:
                counts = forecast.by_reason(cuts)
                self.stdout.write(json.dumps({"wouldClose": len(cuts), "byReason": counts}))
                return
            word = "would close" if options["dry_run"] else "closes"
            counted = [f"  {count:5}  {reason}" for reason, count in forecast.by_reason(cuts).items()]
            told = self.stdout if options["dry_run"] else self.stderr  # beside the JSON of how it stands
            told.write("\n".join([f"Strict mode {word} {len(cuts)} live connections.", *counted]))
            if options["dry_run"]:
                return
        super().handle(*args, **options)
