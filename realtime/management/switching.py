"""What the commands that throw a switch have in common."""

import json as json_module
from argparse import ArgumentParser
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from realtime import confirmation, controls, journal, standing
from realtime.confirmation import Followers
from realtime.policy import SETTINGS, shown
from realtime.standing import Standing


class SwitchCommand(BaseCommand):
    """`on`, `off` and `status` of one switch, which holds on every gateway at once.

    Exit status 1 where a switch was thrown and is not in force everywhere, which is then said.
    """

    setting: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["on", "off", "status"])
        parser.add_argument("--reason", default="", help="why, for the journal")
        parser.add_argument(
            "--json", action="store_true", help="how it stands as a JSON object, for programs"
        )

    def handle(self, *args: Any, what: str, reason: str, json: bool, **options: Any) -> None:
        if what == "status":
            self._tell(json)
            return
        on = what == "on"
        try:
            controls.set_policy(controls.command_line(), self.changes(on, options), reason)
        except ValueError as wrong:
            raise CommandError(f"nothing was changed: {wrong}") from None
        seq = journal.head()
        confirmation.wait_until(lambda: not confirmation.followers(seq).behind)
        self._tell(json)
        self._check(on, confirmation.followers(seq))

    def changes(self, on: bool, options: dict[str, Any]) -> dict[str, Any]:
        """The settings that `on` or `off` sets: a switch is thrown, or what was thrown is taken back."""
        return {self.setting: on if on is SETTINGS[self.setting].strict else None}

    def _check(self, on: bool, followers: Followers) -> None:
        if followers.behind:
            raise CommandError(f"not confirmed in time by {', '.join(followers.behind)}")
        stands = standing.of(self.setting)
        word = "on" if on else "off"
        if stands.in_force is not on:
            raise CommandError(
                f"still {stands.words}: {stands.variable} of the environment says so, "
                f"and the stricter of the two holds. Set it to {word} there and restart"
            )
        against = [one.instance for one in stands.gateways if one.in_force is not on]
        if against:
            raise CommandError(f"not {word} on {', '.join(against)}, whose environment is stricter")

    def _tell(self, json: bool) -> None:
        stands = standing.of(self.setting)
        self.stdout.write(json_module.dumps(stands.as_json()) if json else self._sentences(stands))

    def _sentences(self, stands: Standing) -> str:
        lines = [f"{stands.label} is {stands.words}.", *self.more(stands)]
        lines.append(f"  environment  {stands.variable}={shown(stands.environment)}")
        lines.append(f"  operators    {shown(stands.operators)}{stands.since}")
        lines += [
            f"  gateway      {one.instance}: {one.words}" + ("" if one.followed else ", has not followed yet")
            for one in stands.gateways
        ]
        return "\n".join(lines if stands.gateways else [*lines, "  no gateway is running"])

    def more(self, stands: Standing) -> list[str]:
        """Further lines about what is in force."""
        return []
