"""The audit: which connections this gateway holds and held, told to the database in batches, under its lease.

Sockets only change what is in memory. Once a second `beat` writes what has changed since the last batch that
is known to have arrived: connections that are new, whose user or rooms are others, that have closed; and, no
oftener than every REFRESH_SECONDS each, those that only count further; and every QUIET_SECONDS those of which
there is nothing to tell but heartbeats and pongs. While the database is away nothing
waits and little is kept: what is open is in memory anyway, of what has closed ENDED_KEPT at the most.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from realtime import metrics, records
from realtime.connection import LONG_POLL, Connection, Identity
from realtime.database import in_database
from realtime.leases import LEASE_SECONDS, RENEW_SECONDS, Condition, Holder
from realtime.outages import is_away
from realtime.quotas import TokenBuckets
from realtime.records import Snapshot
from realtime.throttling import AddressBuckets

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
REFRESH_SECONDS = 10.0
QUIET_SECONDS = 60.0
QUIET_FRAMES = 2  # in REFRESH_SECONDS: a heartbeat, and perhaps one of the time before
ENDED_KEPT = 10_000
ENDED_PER_BEAT = 2000  # so that a long backlog does not hold SQLite's one writer up
# Of sockets that were refused, a minute: whoever knocks in vain a thousand times a second fills no table.
REFUSED_KEPT, REFUSED_KEPT_OF_ADDRESS = 100, 10
LAST_WORD_SECONDS = 2.0

NEVER = float("-inf")

_REASONS = {
    **dict.fromkeys((1000, 1001, 1005), "the client left"),
    1006: "the connection broke off",
}


@dataclass(eq=False, slots=True)
class Entry:
    """A connection that is open, and what of it the database is known to have."""

    connection: Connection
    identity: Identity | None = None
    rooms: set[str] = field(default_factory=set)
    counted: tuple[int, int, int] = (0, 0, 0)
    written_at: float = NEVER
    looked_at: float = NEVER

    def due(self, now: float, lag: Callable[[Connection], int]) -> bool:
        there = self.connection
        if (
            self.written_at == NEVER
            or there.identity is not self.identity
            or there.seats.keys() != self.rooms
        ):
            return True
        if now - self.looked_at < REFRESH_SECONDS:
            return False
        self.looked_at = now
        frames_in, frames_out, behind = self.counted
        beats = QUIET_FRAMES * (now - self.written_at) / REFRESH_SECONDS
        asked = beats if there.transport == LONG_POLL else 0  # polls that are held in vain, like heartbeats
        if there.frames_in > frames_in + asked or there.frames_out > frames_out + beats:
            return True
        if lag(there) != behind:
            return True
        return now - self.written_at >= QUIET_SECONDS and self.written_at < there.last_frame_at


@dataclass(frozen=True, slots=True)
class Batch:
    """What one beat writes. `seen` are the entries with what the database then has of them."""

    snapshots: list[Snapshot]
    seen: list[tuple[Entry, Entry]]
    ended: list[str]


class Audit:
    """One gateway's. `condition` tells how it does now, `lag` how many events a connection is behind."""

    def __init__(
        self, holder: Holder, condition: Callable[[], Condition], lag: Callable[[Connection], int]
    ) -> None:
        self.holder = holder
        self._condition = condition
        self._lag = lag
        self._told = Condition(0, bell_healthy=True)
        self._open: dict[str, Entry] = {}
        self._ended: dict[str, Snapshot] = {}
        self._refused = TokenBuckets(REFUSED_KEPT)
        self._refused_of = AddressBuckets(REFUSED_KEPT_OF_ADDRESS)
        self._dropping = False
        self._whole = True  # the next batch is to be everything: what the database has is not known
        self._renewed_at = NEVER
        self._steady_since: float | None = None
        self._away = False
        self._writing: asyncio.Future[Any] | None = None

    @property
    def steady(self) -> bool:
        """Whether every lease that has run out by now is that of a dead gateway.

        After an outage of the database all have run out: the others, too, need the time to renew theirs.
        """
        return self._steady_since is not None and time.monotonic() - self._steady_since > LEASE_SECONDS

    @property
    def holds_lease(self) -> bool:
        """Whether the database has taken this gateway's word in time, or was not asked to yet.

        Where it reads and does not write, as a standby does, others take the gateway for dead, and see none
        of its connections.
        """
        if self._renewed_at == NEVER:
            return not self._away
        return time.monotonic() - self._renewed_at < LEASE_SECONDS

    @property
    def open(self) -> int:
        """How many connections are open."""
        return len(self._open)

    # --- from the sockets ---------------------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        self._open[connection.id] = Entry(connection)

    def closed(self, connection: Connection, code: int, reason: str | None = None) -> None:
        """A socket is gone, and still says which rooms it was in. One that was refused never was open."""
        if self._open.pop(connection.id, None) is None and not self._keeps_refused(connection.address):
            metrics.AUDIT_DROPPED.inc()
            return
        if len(self._ended) >= ENDED_KEPT:
            self._drop()
            return
        reason = reason or _REASONS.get(code, "closed by the client")
        lag = self._lag(connection)
        self._ended[connection.id] = _snapshot(connection, lag, time.monotonic(), code, reason)

    def _keeps_refused(self, address: str) -> bool:
        now = time.monotonic()
        return self._refused_of.take(address, now) and self._refused.take("all", now)

    def _drop(self) -> None:
        """Its row, if it has one, is closed with the next whole batch, which does not hold it."""
        if not self._dropping:
            logger.warning("more sockets have closed than the audit can keep: some leave no record")
        self._dropping = self._whole = True
        metrics.AUDIT_DROPPED.inc()

    # --- to the database ----------------------------------------------------------------------

    async def beat(self) -> bool:
        """Write what there is to write, and renew the lease in time; whether it is held."""
        if self._writing is not None and not self._writing.done():
            return False  # a database that hangs gets one thread of ours and not one a second
        now = time.monotonic()
        batch, condition = self._batch(now), self._condition()
        if not batch.snapshots and not self._due(condition, now):
            return True
        # Taken before the batch is on its way: who finds no room meanwhile is closed off with the next.
        whole, self._whole = self._whole, False
        try:
            held = await self._write(batch, condition, whole)
        except Exception as failure:  # noqa: BLE001  whatever it was, the next beat tries again
            self._failed(failure)
            return False
        if not held:
            logger.warning("the lease had run out, of a gateway that lives: it is taken again")
            self._whole, self._steady_since = True, None
            return await self.beat()
        self._told = condition
        self._arrived(batch, now)
        return True

    def _due(self, condition: Condition, now: float) -> bool:
        """Whether the lease is to be renewed now: in time, and as soon as other rules are in force here."""
        if self._whole or condition.rules_seq != self._told.rules_seq:
            return True
        return now - self._renewed_at >= RENEW_SECONDS - 0.5

    async def stop(self) -> None:
        """Close off what is still open and give the lease back, if the database takes it soon."""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing}, timeout=LAST_WORD_SECONDS)
            if not self._writing.done():
                return  # the lease runs out by itself
        for entry in list(self._open.values()):
            closing = entry.connection.closing
            ending = (closing.code, closing.reason) if closing else (1006, None)
            self.closed(entry.connection, *ending)
        last = in_database(records.write_last, self.holder, self._condition(), list(self._ended.values()))
        try:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await last
        except Exception as failure:  # noqa: BLE001  as above
            logger.warning("the lease could not be given back, it will run out: %r", failure)

    def _batch(self, now: float) -> Batch:
        ended = dict(islice(self._ended.items(), ENDED_PER_BEAT))
        due = [entry for entry in self._open.values() if self._whole or entry.due(now, self._lag)]
        lags = [self._lag(entry.connection) for entry in due]
        seen = [(entry, _seen(entry.connection, lag, now)) for entry, lag in zip(due, lags, strict=True)]
        open_now = (_snapshot(entry.connection, lag) for entry, lag in zip(due, lags, strict=True))
        return Batch([*ended.values(), *open_now], seen, list(ended))

    async def _write(self, batch: Batch, condition: Condition, whole: bool) -> bool:
        work = self._write_all if whole else records.write
        self._writing = asyncio.ensure_future(in_database(work, self.holder, condition, batch.snapshots))
        return bool(await asyncio.shield(self._writing))

    @staticmethod
    def _write_all(holder: Holder, condition: Condition, snapshots: list[Snapshot]) -> bool:
        records.write_all(holder, condition, snapshots)
        return True

    def _arrived(self, batch: Batch, now: float) -> None:
        for entry, seen in batch.seen:
            entry.identity, entry.rooms, entry.counted = seen.identity, seen.rooms, seen.counted
            entry.written_at = entry.looked_at = now
        for connection_id in batch.ended:
            del self._ended[connection_id]
        self._dropping = False
        self._renewed_at = now
        self._steady_since = self._steady_since or now
        if self._away:
            self._away = False
            logger.warning("the audit is written again")

    def _failed(self, failure: Exception) -> None:
        self._whole, self._steady_since = True, None
        if not self._away:
            self._away = True
            fault = None if is_away(failure) else failure
            logger.warning("the audit cannot be written, sockets go on: %r", failure, exc_info=fault)


def _seen(connection: Connection, lag: int, now: float) -> Entry:
    counted = (connection.frames_in, connection.frames_out, lag)
    return Entry(connection, connection.identity, set(connection.seats), counted, now)


def _snapshot(
    connection: Connection,
    lag: int,
    closed_at: float | None = None,
    close_code: int | None = None,
    close_reason: str | None = None,
) -> Snapshot:
    identity = connection.identity
    return Snapshot(
        id=connection.id,
        user_id=identity.id if identity else None,
        username=identity.username if identity else None,
        address=connection.address,
        agent=connection.agent,
        transport=connection.transport,
        rooms=tuple(seat.room.id for seat in connection.seats.values()),
        opened_at=connection.opened_at,
        last_frame_at=connection.last_frame_at,
        frames_in=connection.frames_in,
        frames_out=connection.frames_out,
        bytes_in=connection.bytes_in,
        bytes_out=connection.bytes_out,
        lag=lag,
        credential=connection.credential,
        has_origin=connection.has_origin,
        closed_at=closed_at,
        close_code=close_code,
        close_reason=close_reason,
    )
