"""Keeping a process's connections within what operators say, whatever becomes of the channel layer.

The journal is looked at once a second, and when the bell tells of an entry: the bell only makes it quicker.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress

from django.conf import settings

from realtime import (
    connection_limits,
    database_clock,
    enforcement,
    journal,
    metrics,
    protocol,
    refusals,
    rules,
)
from realtime.census import place_of
from realtime.connection import Connection
from realtime.database import aside
from realtime.enforcement import Ground, Terms
from realtime.models import OperatorAction
from realtime.outages import log_failure
from realtime.policy import Policy
from realtime.protocol import CloseCode
from realtime.rules import Rules
from realtime.targets import Target

logger = logging.getLogger(__name__)

DISCONNECTED = "disconnected by an operator"
FIRST_SECONDS = 3.0
STALE_SECONDS = 20.0  # more than a look takes that fails, and the next one


class Following:
    """`connections` are the open ones, by id; `policy` and `rules` are what is in force for them."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        self._looking = asyncio.Lock()
        self._first = asyncio.Event()
        self._looked_at = float("-inf")
        self.rules = Rules()
        self.policy: Policy = self.rules.policy

    @property
    def seq(self) -> int:
        """The entry of the journal up to which this process has followed; UNREAD before the first look."""
        return self.rules.seq

    async def begun(self) -> bool:
        """Whether the rules have been read at all; waits FIRST_SECONDS for it. Nobody is let in before."""
        if not self._first.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_SECONDS):
                    await self._first.wait()
        return self._first.is_set()

    async def is_current(self) -> bool:
        """Whether the rules have been read, and lately: else nobody is let in, or orders are not followed."""
        return await self.begun() and time.monotonic() - self._looked_at < STALE_SECONDS

    async def look(self) -> None:
        """Follow what operators have set and ordered since the last look."""
        async with self._looking:
            rules.lead()
            found = await aside(rules.refresh)
            if found is self.rules:
                self._looked_at = time.monotonic()
                return
            # What was ordered before this process began is not meant for it: it had no sockets then.
            beginning = not self._first.is_set()
            orders = [] if beginning else await aside(journal.orders, self.seq, found.seq)
            is_new = found.seq != self.seq
            self._obey(found)
            if is_new and found.seq:
                logger.info("operators' journal: entry %d is in force here", found.seq)
            self._carry_out_all(orders)
            self._looked_at = time.monotonic()
            self._first.set()

    def blocked(self, address: str) -> Ground | None:
        """Why nobody at that address is let in, whatever they show; None where they are."""
        if self.rules.blocked.find(address, database_clock.now()) is None:
            return None
        refusals.note_blocked(address)
        return CloseCode.FORBIDDEN, enforcement.BLOCKED

    def turn_away(self, connection: Connection, code: CloseCode, reason: str) -> None:
        """Close a socket that may not stay; where real-time is off it hears when to poll."""
        if code is CloseCode.REALTIME_OFF:
            after = settings.POLL_INTERVAL + secrets.randbelow(settings.POLL_INTERVAL)  # not all at once
            _say(connection, "system:polling", retryAfterMs=after)
        connection.close(code, reason)

    def _obey(self, found: Rules) -> None:
        before, now = self.policy, database_clock.now()
        self.rules, self.policy = found, found.policy
        for connection in self._staying():
            try:
                self._hold_to_rules(connection, before, now)
            except Exception as failure:  # noqa: BLE001  the others are to be held to them all the same
                log_failure(f"holding connection {connection.id} to the rules", failure)
        opened = ((one.opened_at, one.id, place_of(one)) for one in self._staying())
        for connection_id, limit in connection_limits.excess(opened, self.policy).items():
            self._connections[connection_id].close(CloseCode.FULL, limit.reason)

    def _hold_to_rules(self, connection: Connection, before: Policy, now: float) -> None:
        """Tell an open connection what concerns it, or close it; `before` is what was in force."""
        if self.policy.banner != before.banner:
            _say(connection, "system:banner", banner=self.policy.banner)
        # Who was let in as a guest under these terms has AUTH_SECONDS, and a guard of its own.
        guests_wait = before.require_auth and (before.strict or not self.policy.strict)
        terms = Terms(connection.address, connection.credential, connection.has_origin, connection.transport)
        ground = enforcement.ground(terms, self.policy, self.rules.blocked, now, guests_wait=guests_wait)
        if ground is not None:
            self.turn_away(connection, *ground)

    def _carry_out_all(self, orders: Iterable[OperatorAction]) -> None:
        for order in orders:
            try:
                self._carry_out(order)
            except Exception as failure:  # noqa: BLE001  the later ones are to be carried out all the same
                log_failure(f"order {order.seq} of the operators' journal", failure)

    def _carry_out(self, order: OperatorAction) -> None:
        """Disconnect whom the order means. One that another version has given in a way of its own is not held
        against the others.
        """
        try:
            meant = Target.read(order.new).matcher()
        except (LookupError, TypeError, ValueError):
            logger.exception("order %d of the operators' journal is not understood", order.seq)
            return
        chosen = list(filter(meant, self._staying()))
        for connection in chosen:
            connection.close(CloseCode.FORBIDDEN, order.reason or DISCONNECTED)
        logger.info("order %d of an operator, %s: %d disconnected", order.seq, order.target, len(chosen))

    def _staying(self) -> list[Connection]:
        return [connection for connection in self._connections.values() if connection.closing is None]


def _say(connection: Connection, event: str, **data: object) -> None:
    if connection.send(protocol.frame(event, data)):
        metrics.count_out(event)
