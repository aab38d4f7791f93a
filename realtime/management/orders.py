"""Waiting until the gateways have done what an operator's command has written into the journal."""

import json as json_module
from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import CommandError
from django.db import Error, close_old_connections

from realtime import confirmation
from realtime.confirmation import Outcome
from realtime.management.operating import OperatorCommand
from realtime.management.wording import NO_GATEWAY, are, counted
from realtime.models import OperatorAction
from realtime.outages import is_away


class OrderCommand(OperatorCommand):
    """One that has live connections closed. Exit status 1 where that is not confirmed in time."""

    def carry_out(
        self, order: OperatorAction, told: Callable[[Outcome], str], json: bool, **about: Any
    ) -> None:
        """Wait, and say what has become of it: `told` for people; for programs the counts beside `about`."""
        self.written = order.seq
        order.refresh_from_db()
        confirmed = until(partial(_is_confirmed, order))
        outcome, followers = confirmation.outcome(order), confirmation.followers(order.seq)
        self.stdout.write(json_module.dumps({**about, **_as_json(order, outcome)}) if json else told(outcome))
        if not followers.live:
            self.note(NO_GATEWAY, json)
        if not confirmed:
            behind = ", ".join(followers.behind)
            why = f"not followed yet by {behind}" if behind else "their clients take no close frame"
            raise CommandError(f"not confirmed in time: {why}")


def until(done: Callable[[], bool]) -> bool:
    """Look until it is done, whether or not the database is away meanwhile; False where it is not in time."""
    return confirmation.wait_until(partial(_now, done), confirmation.WAIT_SECONDS)


def _now(done: Callable[[], bool]) -> bool:
    try:
        return done()
    except Error as failure:
        if not is_away(failure):
            raise
        close_old_connections()
        return False


def _is_confirmed(order: OperatorAction) -> bool:
    """Every gateway that lives has carried it out, and none of those that were meant is open."""
    return not confirmation.followers(order.seq).behind and confirmation.outcome(order).open == 0


def closed(outcome: Outcome, whose: str) -> str:
    """`Closed 2 of 3 connections of user ada. 1 is still open.`; `whose` begins with a space, or is empty."""
    told = f"Closed {outcome.closed} of {counted(outcome.meant, 'connection')}{whose}."
    if outcome.gone:
        told += f" {outcome.gone} went with a gateway that is gone."
    return told + (f" {outcome.open} {are(outcome.open)} still open." if outcome.open else "")


def _as_json(order: OperatorAction, outcome: Outcome) -> dict[str, Any]:
    found = {"order": order.seq, "meant": outcome.meant, "closed": outcome.closed}
    return {**found, "gone": outcome.gone, "open": outcome.open}
