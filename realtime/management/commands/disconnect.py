"""Close live connections, whichever gateways hold them."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError

from realtime import controls
from realtime.confirmation import Outcome
from realtime.management.orders import OrderCommand, closed
from realtime.targets import Target, TargetKind


class Command(OrderCommand):
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
        self.carry_out(order, partial(_sentence, target), json)

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


def _sentence(target: Target, outcome: Outcome) -> str:
    whose = _whose(target)
    if outcome.meant:
        return closed(outcome, whose)
    one = target.kind is TargetKind.CONNECTIONS
    return f"No connection{whose} {'is' if one else 'was'} open."


def _whose(target: Target) -> str:
    """Stands after the word "connections"."""
    match target.kind:
        case TargetKind.ALL:
            return ""
        case TargetKind.NETWORK:
            return f" from {target.values[0]}"
        case TargetKind.CONNECTIONS:
            return f" with the id {target.values[0]}"
        case TargetKind.USERS:
            return f" of {target.label}"
