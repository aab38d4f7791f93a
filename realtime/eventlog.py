"""The event log: one truth for every transport.

An event is appended in the transaction of the change that it tells of, while the room's counter row is
locked. So seq counts 1, 2, 3 … per room without a hole, and a reader who has seen seq n has seen every
commit up to n. Only where the database may have lost commits is there a gap, and before it all counts as
trimmed (realtime.timelines). (A sequence or an auto id would become visible out of order, and `id > last`
would then skip rows for good.)
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import Q, QuerySet, Subquery, Sum, Window
from django.db.models.expressions import Combinable
from django.utils import timezone

from realtime import broadcast, timelines
from realtime.functions import OctetLength
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.rooms import Room

Condition = Q | Combinable  # of a room, for a query
ALWAYS = Q()


class UnknownRoom(LookupError):
    """The room was never created, or has been closed."""


class RoomExists(Exception):
    """There is such a room, or there was one: its log stays when it is closed."""


class HistoryTrimmed(LookupError):
    """The log cannot continue from that seq: older than what is kept, or beyond the head."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `id` is None for another service."""

    id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as it travels: `envelope` is the wire object as JSON text.

    `committed_at` is when its transaction had ended, in epoch seconds. Known of what was published alone: the
    log holds when it was appended, which is somewhat earlier.
    """

    seq: int
    event: str
    envelope: str
    at: datetime
    reauthorise: bool = False
    committed_at: float | None = None

    @property
    def size(self) -> int:
        """Bytes on the wire, where the envelope is UTF-8."""
        return len(self.envelope) if self.envelope.isascii() else len(self.envelope.encode())

    def wire(self) -> dict[str, Any]:
        """The wire object, parsed."""
        found: dict[str, Any] = orjson.loads(self.envelope)
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order. `seq` is the cursor to go on from; `more` says that there are later ones."""

    seq: int
    events: list[Event]
    more: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a room's log holds: the events after `trimmed`, up to `newest`."""

    newest: int
    trimmed: int

    def check(self, cursor: int) -> None:
        """Raise HistoryTrimmed unless the log can continue from the cursor."""
        if not self.trimmed <= cursor <= self.newest:
            kept = f"kept are those after {self.trimmed}, up to {self.newest}"
            raise HistoryTrimmed(f"events after {cursor} cannot be had: {kept}")


@dataclass(frozen=True, slots=True)
class Span:
    """What is kept of a stretch of the log. Events up to `trimmed` are gone.

    is_large: there are more bytes of events than was asked for, and so none are here
    """

    trimmed: int
    events: list[Event]
    is_large: bool = False


class Log:
    """A room's log, its counter row locked by the transaction under way."""

    def __init__(self, room: Room) -> None:
        self.room = room

    def append(
        self,
        event: str,
        data: dict[str, Any],
        *,
        actor: Actor | None,
        mutation_id: str | None = None,
        reauthorise: bool = False,
    ) -> Event:
        """Write the room's next event; it is published once the transaction has committed."""
        seq = _count_up(self.room)
        at = timezone.now()
        envelope = {
            "event": event,
            self.room.kind.id_key: self.room.id,
            "seq": seq,
            "at": rfc3339(at),
            "actor": actor and {"id": actor.id, "name": actor.name},
            "mutationId": mutation_id,
            "data": data,
        }
        appended = Event(seq, event, orjson.dumps(envelope).decode(), at, reauthorise)
        EventRow.objects.create(
            room=self.room.name,
            seq=seq,
            event=event,
            envelope=appended.envelope,
            actor_id=actor.id if actor else None,
            mutation_id=mutation_id,
            at=at,
            reauthorise=reauthorise,
        )
        for change in _all_or_nothing():
            change.events.append(appended)
        transaction.on_commit(partial(broadcast.publish, self.room.name, appended), robust=True)
        return appended

    def close(self) -> None:
        """End the room: what was appended stays to be read, nothing is appended any more."""
        RoomHead.objects.filter(room=self.room.name).update(closed=True)

    def find(self, mutation_id: str, actor: Actor) -> Event | None:
        """What that actor has already appended under that mutation id."""
        rows = EventRow.objects.filter(room=self.room.name, mutation_id=mutation_id, actor_id=actor.id)
        found = (_event(row) for row in rows)
        return next((event for event in found if event.wire()["actor"]["name"] == actor.name), None)


def _count_up(room: Room) -> int:
    """The room's next seq, counted in one statement, which the ORM has no words for."""
    table = connection.ops.quote_name(RoomHead._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET seq = seq + 1 WHERE room = %s RETURNING seq", [room.name])  # noqa: S608
        seq: int = cursor.fetchone()[0]
    return seq


def create(room: Room) -> None:
    """Give a new room its counter row, inside the transaction that creates what it stands for.

    Raises RoomExists, also where it has been closed: nobody may hear the events of another under its name.
    """
    if RoomHead.objects.filter(room=room.name).exists():
        raise RoomExists(room.name)
    RoomHead.objects.create(room=room.name)


class AllOrNothing(transaction.Atomic):
    """A transaction that a failure inside it ends as a whole, so that `writing` in it needs no savepoint.

    `rooms` are those that it writes to, `events` what it has appended there.
    """

    def __init__(self) -> None:
        super().__init__(DEFAULT_DB_ALIAS, savepoint=True, durable=False)
        self.rooms: list[Room] = []
        self.events: list[Event] = []


def _all_or_nothing() -> list[AllOrNothing]:
    """Those under way."""
    return [block for block in connection.atomic_blocks if isinstance(block, AllOrNothing)]


@contextmanager
def writing(room: Room, only_if: Condition = ALWAYS) -> Iterator[Log]:
    """Open a transaction and lock the room's counter row, before anything else: one lock order, no deadlock.

    only_if: looked at before the row is locked, so that whoever may not write there neither waits for those
        who do nor keeps them waiting; it has to be looked at again under the lock

    Raises UnknownRoom, also where the condition does not hold.
    """
    around = connection.atomic_blocks[-1:]
    with transaction.atomic(savepoint=not any(isinstance(block, AllOrNothing) for block in around)):
        heads = RoomHead.objects.filter(only_if, room=room.name, closed=False)
        if not timelines.lock(heads):
            raise UnknownRoom(room.name)
        for change in _all_or_nothing():
            change.rooms.append(room)
        yield Log(room)


@contextmanager
def consistent_read() -> Iterator[None]:
    """Let every query inside see one and the same snapshot of the database, without blocking a writer."""
    if connection.in_atomic_block:  # already inside a transaction, whose isolation is its owner's affair
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # atomic() would take SQLite's write lock (transaction_mode is IMMEDIATE); a read needs none.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def head(room: Room, only_if: Condition = ALWAYS) -> int:
    """seq of the room's newest event, 0 before the first.

    Raises UnknownRoom, also where the condition does not hold.
    """
    seq = RoomHead.objects.filter(only_if, room=room.name).values_list("seq", flat=True).first()
    if seq is None:
        raise UnknownRoom(room.name)
    return seq


def bounds_of(room: Room) -> Bounds:
    """What the room's log holds. Raises UnknownRoom."""
    found = bounds([room.name]).get(room.name)
    if found is None:
        raise UnknownRoom(room.name)
    return found


def heads(room_names: Collection[str]) -> dict[str, int]:
    """The heads of many rooms in one query; unknown rooms are left out."""
    return dict(RoomHead.objects.filter(room__among=room_names).values_list("room", "seq"))


def bounds(room_names: Collection[str]) -> dict[str, Bounds]:
    """What the logs of many rooms hold, in one query; unknown rooms are left out."""
    found = RoomHead.objects.filter(room__among=room_names).values_list("room", "seq", "trimmed")
    return {room: Bounds(newest, trimmed) for room, newest, trimmed in found}


def since(room: Room, seq: int, limit: int) -> Page:
    """At most `limit` events after `seq`, in order. Raises UnknownRoom, HistoryTrimmed."""
    held = bounds_of(room)
    held.check(seq)
    newest = held.newest
    rows = EventRow.objects.filter(room=room.name, seq__gt=seq, seq__lte=newest).order_by("seq")[:limit]
    events = [_event(row) for row in rows]
    reached = events[-1].seq if events else seq
    if len(events) < min(limit, newest - seq):  # trimmed between the two reads
        raise HistoryTrimmed(f"events after {seq} were trimmed while they were read")
    return Page(reached, events, more=reached < newest)


def event_at(room: Room, seq: int) -> Event | None:
    """The event of that number as long as it is kept, whatever clients are told of the log's end."""
    return next(map(_event, EventRow.objects.filter(room=room.name, seq=seq)), None)


def span(room: Room, seq: int, length: int, most_bytes: int | None = None) -> Span:
    """What is kept of the `length` events after `seq`, in order and without a hole. Raises UnknownRoom.

    Unlike `since` it does not mind a start that is trimmed: those who share a read have cursors of their own.
    most_bytes: read nothing where there are more
    """
    bounds = RoomHead.objects.filter(room=room.name).values_list("seq", "trimmed").first()
    if bounds is None:
        raise UnknownRoom(room.name)
    newest, trimmed = bounds
    last = min(newest, seq + length)
    first = max(seq, trimmed)
    rows = EventRow.objects.filter(room=room.name, seq__gt=first, seq__lte=last)
    if most_bytes is not None:
        rows = rows.filter(seq__lte=_end_within(rows, most_bytes))
    events = [_event(row) for row in rows.order_by("seq")]
    if most_bytes is not None and first < last and (not events or events[-1].seq < last):
        return Span(trimmed, [], is_large=True)
    # The log is trimmed from its old end: what went between the two reads went there.
    gone = events[0].seq - 1 if events else last
    return Span(trimmed if gone <= first else gone, events)


def _end_within(rows: QuerySet[EventRow], most_bytes: int) -> Subquery:
    """seq of the last row up to which the envelopes take no more; no row where the first is larger."""
    size = Window(Sum(OctetLength("envelope")), order_by="seq")
    return Subquery(rows.annotate(size=size).filter(size__lte=most_bytes).order_by("-seq").values("seq")[:1])


def _event(row: EventRow) -> Event:
    return Event(row.seq, row.event, row.envelope, row.at, row.reauthorise)


def rfc3339(moment: datetime) -> str:
    """UTC with milliseconds and a Z, as all timestamps on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_timestamp(seconds: float) -> datetime:
    """The moment of epoch seconds, as a bell message carries it."""
    return datetime.fromtimestamp(seconds, UTC)
