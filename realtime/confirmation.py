"""What has become of what operators did: which gateways follow it, which connections have closed."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet

from realtime import journal, leases
from realtime.models import ConnectionRecord, GatewayProcess, OperatorAction
from realtime.targets import Target

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
# A peer that does not answer a close has five seconds; then that has to be written.
WAIT_SECONDS = 9.0
CARRIED_OUT = timedelta(minutes=10)  # a connection that closes later was not closed by the order


@dataclass(frozen=True, slots=True)
class Followers:
    """Of the gateways that live, those in which an entry of the journal is in force, and the others."""

    following: list[str]
    behind: list[str]

    @property
    def live(self) -> int:
        return len(self.following) + len(self.behind)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the connections that an order meant, how many have closed since, how many went with a gateway that
    is gone, and how many are open still.
    """

    closed: int
    gone: int
    open: int

    @property
    def meant(self) -> int:
        return self.closed + self.gone + self.open


def followers(seq: int) -> Followers:
    """Who follows the journal up to `seq`."""
    found = GatewayProcess.objects.filter(leases.live()).values_list("instance", "rules_seq")
    return Followers(
        [instance for instance, followed in found if followed >= seq],
        [instance for instance, followed in found if followed < seq],
    )


def target_of(entry: OperatorAction) -> Target | None:
    """Whom an entry of the journal cuts off by itself; None where it does not, or is another version's."""
    try:
        if entry.action == journal.DISCONNECT:
            return Target.read(entry.new)
        if entry.action == journal.BLOCK:
            return Target.network(entry.target)
    except (LookupError, TypeError, ValueError):
        logger.warning("entry %d of the operators' journal is not understood", entry.seq)
    return None


def meant(order: OperatorAction) -> QuerySet[ConnectionRecord]:
    """The connections that were open when it was ordered, of those that it meant."""
    target = target_of(order)
    if target is None:
        return ConnectionRecord.objects.none()
    open_then = Q(closed_at=None) | Q(closed_at__range=(order.at, order.at + CARRIED_OUT))
    return ConnectionRecord.objects.filter(target.records(), open_then, opened_at__lte=order.at)


def outcome(order: OperatorAction) -> Outcome:
    """What has become of them."""
    dead = Q(close_reason=leases.GATEWAY_DIED)
    live = GatewayProcess.objects.filter(leases.live())
    connections = meant(order)
    still_open = connections.filter(closed_at=None, gateway__in=live).count()
    gone = connections.filter(dead | (Q(closed_at=None) & ~Q(gateway__in=live))).count()
    return Outcome(connections.count() - still_open - gone, gone, still_open)


def wait_until(done: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Look until it is done; False where it is not in time."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
