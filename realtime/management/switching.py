"""What the commands that throw a switch or set a limit have in common."""

import json as json_module
from argparse import ArgumentParser
from collections import Counter
from typing import Any, ClassVar

from django.core.management.base import CommandError
from django.db.models import Q

from realtime import confirmation, controls, forecast, journal, standing
from realtime.management import setting as words
from realtime.management.operating import OperatorCommand
from realtime.management.orders import until
from realtime.management.wording import are, by_reason, counted
from realtime.models import ConnectionRecord, OperatorAction
from realtime.policy import SETTINGS, Kind
from realtime.protocol import CloseCode
from realtime.standing import Standing

CONNECTION_LIMITS = (
    *("max-connections", "kept-for-users", "max-connections-per-user", "max-guests-per-address"),
    *("max-connections-per-address", "max-held-polls"),
)
# The closes that a setting brings about.
CLOSES = {
    "realtime": Q(close_code=CloseCode.REALTIME_OFF),
    "strict": Q(close_code=CloseCode.FORBIDDEN, close_reason__startswith="strict mode"),
    "require-auth": Q(close_code=CloseCode.UNAUTHENTICATED, close_reason__startswith="credentials"),
    **dict.fromkeys(CONNECTION_LIMITS, Q(close_code=CloseCode.FULL)),
    "connection-timeout": Q(close_code=CloseCode.IDLE),
}
SHUT_GUESTS_OUT = ("strict", "require-auth")
GUESTS = "While it is on, guests cannot read public boards, over REST either."
SAME = "Nothing was changed: it was set so already."


class SettingCommand(OperatorCommand):
    """One that sets a setting on every gateway at once, or says whom that would cut off.

    Exit status 1 where it is not in force everywhere, which is then said.
    """

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="why, for the journal")
        parser.add_argument("--dry-run", action="store_true", help="only say whom it would cut off")
        parser.add_argument(
            "--json", action="store_true", help="how it stands as a JSON object, for programs"
        )

    def forecast(self, name: str, changes: dict[str, Any], json: bool) -> None:
        """Say whom these changes would cut off, and do nothing."""
        counts = forecast.by_reason(forecast.of_policy(changes))
        cut_off = sum(counts.values())
        if json:
            self.stdout.write(json_module.dumps({"wouldClose": cut_off, "byReason": counts}))
            return
        stands, wanted = standing.of(name), changes[name]
        lines = [words.already(stands)] if wanted is not None and stands.everywhere == wanted else []
        lines.append(f"That would close {counted(cut_off, 'live connection')}.")
        lines += by_reason(counts)
        if wanted is True and name in SHUT_GUESTS_OUT:
            lines.append(GUESTS)
        self.stdout.write("\n".join(lines))

    def change(self, name: str, changes: dict[str, Any], options: dict[str, Any], wanted: Any = None) -> None:
        """Make them, wait for the gateways, and say how `name` stands then.

        wanted: what is to be in force then; None where that is left to the environment
        """
        try:
            entries = controls.set_policy(controls.command_line(), changes, options["reason"])
        except ValueError as wrong:
            raise CommandError(f"nothing was changed: {wrong}") from None
        self.written = entries[-1].seq if entries else None
        seq = self.written or journal.head()
        entry = _closing(entries, name, wanted)
        until(lambda: not confirmation.followers(seq).behind and not _staying(entry))
        stands, staying = standing.of(name), _staying(entry)
        self.tell(stands, options["json"], _done(name, wanted, entry, staying) if entries else [SAME])
        followers = confirmation.followers(seq)
        if followers.behind:
            raise CommandError(f"not confirmed in time by {', '.join(followers.behind)}")
        if staying:
            raise CommandError("not confirmed in time: their clients take no close frame")
        why = None if wanted is None else words.against(stands, wanted, changes[name])
        if why is not None:
            raise CommandError(why)

    def tell(self, stands: Standing, json: bool, done: list[str] | None = None) -> None:
        """How it stands; `done` says what has come of a change, to programs beside the JSON."""
        done = [*(done or []), *words.of_shell_alone(stands)]
        if json:
            self.stdout.write(json_module.dumps(stands.as_json()))
            if done:
                self.note("\n".join(done), json)
            return
        lines = [words.headline(stands), *done, *self.more(stands), *words.sides(stands)]
        self.stdout.write("\n".join(lines))

    def more(self, stands: Standing) -> list[str]:
        """Further lines about what is in force."""
        return []


class SwitchCommand(SettingCommand):
    """`on`, `off` and `status` of one switch."""

    setting: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["on", "off", "status"])
        super().add_arguments(parser)

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        on = what == "on"
        strict = SETTINGS[self.setting].strict
        if options["dry_run"] and (what == "status" or on is not strict):
            word, other = ("on", "off") if strict else ("off", "on")
            raise CommandError(f"--dry-run goes with {word}: {other} cuts nobody off")
        if what == "status":
            self.tell(standing.of(self.setting), options["json"])
        elif options["dry_run"]:
            self.forecast(self.setting, self.changes(on, options), options["json"])
        else:
            self.change(self.setting, self.changes(on, options), options, wanted=on)

    def changes(self, on: bool, options: dict[str, Any]) -> dict[str, Any]:
        """The settings that `on` or `off` sets: a switch is thrown, or what was thrown is taken back."""
        return {self.setting: on if on is SETTINGS[self.setting].strict else None}


def _closing(entries: list[OperatorAction], name: str, wanted: Any) -> OperatorAction | None:
    """The entry for which connections are closed; None where there is none."""
    lax = SETTINGS[name].kind is Kind.SWITCH and wanted is not SETTINGS[name].strict
    if lax or name not in CLOSES:
        return None
    found = next((entry for entry in entries if entry.target == name), None)
    if found is not None:
        found.refresh_from_db()
    return found


def _staying(entry: OperatorAction | None) -> int:
    """How many connections are still open that were when it was set, and may not be under it."""
    if entry is None:
        return 0
    return sum(record.opened_at <= entry.at for record, _ in forecast.of_policy({}))


def _done(name: str, wanted: Any, entry: OperatorAction | None, staying: int) -> list[str]:
    """What has come of a change, as far as gateways have written it down."""
    lines = [GUESTS] if wanted is True and name in SHUT_GUESTS_OUT else []
    if entry is None:
        return lines
    counts = _closed(entry)
    if SETTINGS[name].kind is Kind.NUMBER and not counts and not staying:
        return lines  # a limit may have been raised
    told = f"Closed {counted(sum(counts.values()), 'connection')}"
    lines.append(told + (f"; {staying} that may not stay {are(staying)} still open." if staying else "."))
    return lines if name == "realtime" else [*lines, *by_reason(counts)]


def _closed(entry: OperatorAction) -> dict[str, int]:
    """How many of those that were open when it was set have been closed for it, by reason."""
    found = ConnectionRecord.objects.filter(
        CLOSES[entry.target], opened_at__lte=entry.at, closed_at__gte=entry.at
    )
    reasons = found.values_list("close_reason", flat=True)
    return dict(Counter(reason or "no reason" for reason in reasons).most_common())
