"""Every switch and limit: how they stand, and setting one."""

import json as json_module
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from realtime import policy, standing
from realtime.management import setting as words
from realtime.management.switching import SettingCommand
from realtime.management.wording import NO_GATEWAY, moment, table
from realtime.policy import SETTINGS, Kind, shown
from realtime.standing import Standing

COLUMNS = ("setting", "environment", "operators", "in force", "since", "by")
WIDEST = 40  # a banner is longer


class Command(SettingCommand):
    help = (
        "List the switches and limits: what this environment says, what operators have set, what is in force "
        "on the gateways. With a name and a value set one of them, on every gateway at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help=", ".join(SETTINGS))
        parser.add_argument(
            "value", nargs="?", help="on or off, a whole number, or a text; unset takes back what was set"
        )
        super().add_arguments(parser)

    def handle(self, *args: Any, name: str | None, value: str | None, **options: Any) -> None:
        if value is None and (options["dry_run"] or options["reason"]):
            raise CommandError("--dry-run and --reason go with a name and a value")
        if name is None:
            self._list(options["json"])
            return
        try:
            setting = policy.named(name)
            wanted = None if value is None else words.read(setting, value)
        except ValueError as wrong:
            raise CommandError(str(wrong)) from None
        if value is None:
            self.tell(standing.of(name), options["json"])
        elif options["dry_run"]:
            self.forecast(name, {name: wanted}, options["json"])
        else:
            self.change(name, {name: wanted}, options, wanted)

    def _list(self, json: bool) -> None:
        found = standing.of_all()
        if json:
            self.stdout.write(json_module.dumps([stands.as_json() for stands in found], indent=2))
            return
        lines = table(COLUMNS, map(_cells, found))
        alone = (line for stands in found for line in words.of_shell_alone(stands))
        gateways = [] if found[0].gateways else [NO_GATEWAY]
        self.stdout.write("\n".join([*lines, *dict.fromkeys(alone), *gateways]))


def _cells(stands: Standing) -> tuple[str, ...]:
    setting = stands.setting
    said = shown(stands.environment, setting) if setting.variable else ""
    since = "" if stands.set_at is None else moment(stands.set_at)
    values = (shown(stands.operators, setting), words.in_force(stands))
    if setting.kind is Kind.TEXT:
        values = (_short(values[0]), _short(values[1]))
    return (stands.name, said, *values, since, stands.set_by or "")


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
