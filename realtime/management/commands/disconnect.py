"""Close live connections, whichever gateways hold them."""

import json as json_module
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from realtime import confirmation, controls
from realtime.confirmation import Outcome
from realtime.models import OperatorAction
from realtime.targets import Target


class Command(BaseCommand):
    help = (
        "Close live connections with 4403, on whichever gateway holds them, and wait until it is confirmed. "
        "A client may connect again: to keep it out, block its network or disable its user."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--user", metavar="U", help="a username")
        whom.add_argument("--ip", metavar="IP", help="an address or a network, like 192.0.2.0/24")
        whom.add_argument("--connection", metavar="ID", help="an id of audit_connections")
        whom.add_argument("--all", action="store_true", help="everybody")
        parser.add_argument("--reason", default="", help="what the client is told and the journal keeps")
        parser.add_argument("--json", action="store_true", help="the outcome as a JSON object, for programs")

    def handle(self, *args: Any, reason: str, json: bool, **options: Any) -> None:
        try:
            target = self._target(options)
        except ValueError as wrong:
            raise CommandError(str(wrong)) from None
        order = controls.disconnect(controls.command_line(), target, reason)
        order.refresh_from_db()
        confirmed = confirmation.wait_until(partial(_confirmed, order))
        outcome = confirmation.outcome(order)
        self.stdout.write(_as_json(order, outcome) if json else _sentence(target, outcome))
        if not confirmed:
            behind = ", ".join(confirmation.followers(order.seq).behind)
            why = f"not followed yet by {behind}" if behind else "their clients take no close frame"
            raise CommandError(f"not confirmed in time: {why}")

    def _target(self, options: dict[str, Any]) -> Target:
        if options["user"] is not None:
            return self._user(options["user"])
        if options["ip"] is not None:
            return Target.network(options["ip"])
        if options["connection"] is not None:
            return Target.connections([options["connection"]])
        return Target.everybody()

    def _user(self, username: str) -> Target:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"there is no user {username!r}")
        return Target.users({str(user.pk): username})


def _confirmed(order: OperatorAction) -> bool:
    """Every gateway that lives has carried it out, and none of those that were meant is open."""
    return not confirmation.followers(order.seq).behind and confirmation.outcome(order).open == 0


def _sentence(target: Target, outcome: Outcome) -> str:
    if not outcome.meant:
        return f"No connection of {target.label} was open."
    told = f"Closed {outcome.closed} of {outcome.meant} connections of {target.label}."
    if outcome.gone:
        told += f" {outcome.gone} went with a gateway that is gone."
    return told + (f" {outcome.open} still open." if outcome.open else "")


def _as_json(order: OperatorAction, outcome: Outcome) -> str:
    found = {"order": order.seq, "meant": outcome.meant, "closed": outcome.closed}
    return json_module.dumps({**found, "gone": outcome.gone, "open": outcome.open})
