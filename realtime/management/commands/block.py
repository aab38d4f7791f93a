"""Keep networks out, and let them in again."""

import json as json_module
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from realtime import confirmation, controls, database_clock, forecast
from realtime.confirmation import Outcome
from realtime.eventlog import rfc3339
from realtime.management.orders import OrderCommand, closed, until
from realtime.management.wording import NO_GATEWAY, counted, moment, table
from realtime.models import BlockedNetwork
from realtime.networks import read_network


def hours(text: str) -> float:
    """Argument type: how long a block holds."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not controls.LEAST_HOURS <= found <= controls.MOST_HOURS:
        allowed = f"{controls.LEAST_HOURS} to {controls.MOST_HOURS}"
        raise ArgumentTypeError(f"{text!r}: expected a number from {allowed}")
    return found


class Command(OrderCommand):
    help = (
        "Keep a network out of sockets and of the API, its open sockets too, which are closed with 4403. "
        "Blocked again it has another end and reason. --lift lets it in again, --list shows what is blocked."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("network", nargs="?", help="a network or an address, like 192.0.2.0/24")
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument("--lift", action="store_true", help="let the network in again")
        instead.add_argument("--list", action="store_true", help="the blocked networks")
        instead.add_argument("--dry-run", action="store_true", help="only say how many it would cut off")
        parser.add_argument("--hours", type=hours, metavar="H", help="for so long; else until it is lifted")
        parser.add_argument("--reason", default="", help="why, for the journal and the list")
        parser.add_argument("--json", action="store_true", help="a JSON object or list, for programs")

    def handle(self, *args: Any, network: str | None, json: bool, **options: Any) -> None:
        if options["hours"] is not None and (options["lift"] or options["list"]):
            raise CommandError("--hours goes with a network that is to be blocked")
        if options["list"]:
            if network is not None:
                raise CommandError("--list goes without a network")
            self._list(json)
            return
        if network is None:
            raise CommandError("expected a network, like 192.0.2.0/24, or --list")
        try:
            found = str(read_network(network))
        except ValueError as wrong:
            raise CommandError(str(wrong)) from None
        if options["lift"]:
            self._lift(found, options["reason"], json)
        elif options["dry_run"]:
            self._forecast(found, json)
        else:
            self._block(found, options["hours"], options["reason"], json)

    def _block(self, network: str, last: float | None, reason: str, json: bool) -> None:
        until_then = None if last is None else database_clock.after(timedelta(hours=last))
        entry = controls.block(controls.command_line(), network, until=until_then, reason=reason)
        about = {"network": network, "until": until_then and rfc3339(until_then)}
        self.carry_out(entry, partial(_sentence, network, until_then), json, **about)

    def _forecast(self, network: str, json: bool) -> None:
        counts = forecast.by_reason(forecast.of_block(network))
        cut_off = sum(counts.values())
        if json:
            found = {"network": network, "wouldClose": cut_off, "byReason": counts}
            self.stdout.write(json_module.dumps(found))
            return
        before = controls.blocked().filter(network=network).first()
        if before is not None:
            self.stdout.write(f"{network} is blocked already, {_end(before.until)}.")
        self.stdout.write(f"Blocking {network} would close {counted(cut_off, 'live connection')}.")

    def _lift(self, network: str, reason: str, json: bool) -> None:
        entry = controls.unblock(controls.command_line(), network, reason)
        if entry is None:
            raise CommandError(f"{network} is not blocked" + _wider(network, "but it is"))
        self.written = seq = entry.seq
        until(lambda: not confirmation.followers(seq).behind)
        followers = confirmation.followers(seq)
        told = f"{network} is let in again{_wider(network, 'but it is still')}."
        self.stdout.write(json_module.dumps({"network": network, "lifted": True}) if json else told)
        if not followers.live:
            self.note(NO_GATEWAY, json)
        if followers.behind:
            raise CommandError(f"not confirmed in time by {', '.join(followers.behind)}")

    def _list(self, json: bool) -> None:
        database_clock.measure()
        rows = list(BlockedNetwork.objects.all())
        if json:
            self.stdout.write(json_module.dumps([_as_json(row) for row in rows], indent=2))
            return
        lines = table(("network", "state", "until", "why", "by"), map(_cells, rows)) if rows else []
        kept_out = sum(row.holds for row in rows)
        over = len(rows) - kept_out
        count = f"{counted(kept_out, 'network')} kept out" + (f", the time of {over} is over" if over else "")
        self.stdout.write("\n".join([*lines, count]))


def _sentence(network: str, until_then: datetime | None, outcome: Outcome) -> str:
    open_then = closed(outcome, " from there") if outcome.meant else "No connection from there was open."
    return f"Blocked {network} {_end(until_then)}. {open_then}"


def _end(until_then: datetime | None) -> str:
    return "until it is lifted" if until_then is None else f"until {moment(until_then)}"


def _wider(network: str, how: str) -> str:
    """`, but it is in 192.0.0.0/16, which is blocked`; empty where it is in no other blocked network."""
    held = controls.blocked_around(network)
    return f", {how} in {', '.join(held)}, which {'is' if len(held) == 1 else 'are'} blocked" if held else ""


def _cells(row: BlockedNetwork) -> tuple[str, ...]:
    state = "kept out" if row.holds else "time over"
    return (row.network, state, moment(row.until) if row.until else "lifted", row.reason, row.blocked_by)


def _as_json(row: BlockedNetwork) -> dict[str, Any]:
    return {
        "network": row.network,
        "keptOut": row.holds,
        "until": row.until and rfc3339(row.until),
        "reason": row.reason,
        "since": rfc3339(row.blocked_at),
        "by": row.blocked_by,
    }
