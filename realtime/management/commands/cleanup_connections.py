"""Close off what dead gateways left behind, where no gateway that lives is there to do it."""

from typing import Any

from realtime import leases
from realtime.management.operating import OperatorCommand
from realtime.management.wording import counted


class Command(OperatorCommand):
    help = "Close off the connections of gateways whose lease has run out, as live gateways do by themselves."

    def handle(self, *args: Any, **options: Any) -> None:
        dead = leases.expire_overdue()
        for gateway in dead:
            self.stdout.write(f"{gateway.instance}: {gateway.connections}")
        closed = sum(gateway.connections for gateway in dead)
        self.stdout.write(
            f"Closed off {counted(closed, 'connection')} of {counted(len(dead), 'dead gateway')}."
        )
