"""Retention: old events leave the log, and each room remembers up to which seq they have left.

What goes is always the old end of a room's log: a client whose cursor is at or beyond that end goes on
without noticing, and any other is told `history-trimmed` and loads the board again. `RoomHead.trimmed` moves
in the transaction that deletes, under the room's lock, so no reader takes a trimmed log for a short one.

What trimming means for idempotency: the answer kept under an Idempotency-Key is a row of the domain's own,
which needs no event. Only `Log.find`, by which a service's event is not published twice, looks for the event
itself: there a key is known for as long as its event is kept, and no longer.
"""

import threading
from dataclasses import dataclass
from functools import partial

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from realtime.chunks import days_ago, delete_in_chunks
from realtime.models import Event, RoomHead

# Events that one transaction deletes: a writer waits for the room's lock no longer than that takes.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What was done: rooms that lost events, and how many."""

    rooms: int
    events: int


def trim(days: int, minimum: int, stopping: threading.Event | None = None) -> Trimmed:
    """Trim every room of what is older than `days`, but for its newest `minimum` events. 0 days keeps all.

    Ends early, with whole chunks, once `stopping` is set.
    """
    if not days:
        return Trimmed(0, 0)
    counts = [
        delete_in_chunks(partial(trim_chunk, room, days, minimum), CHUNK, stopping)
        for room in _candidates(days, minimum)
    ]
    return Trimmed(sum(count > 0 for count in counts), sum(counts))


def _candidates(days: int, minimum: int) -> list[str]:
    """The rooms whose oldest event is too old, with more than the minimum or with some before a gap."""
    events = Event.objects.filter(room=OuterRef("room")).order_by("seq")
    first, oldest = (Subquery(events.values(name)[:1]) for name in ("seq", "at"))
    heads = RoomHead.objects.annotate(first=first, oldest=oldest).filter(oldest__lt=days_ago(days))
    to_trim = Q(seq__gt=F("trimmed") + minimum) | Q(first__lte=F("trimmed"))
    return list(heads.filter(to_trim).values_list("room", flat=True))


def trim_chunk(room: str, days: int, minimum: int) -> int:
    """Trim the oldest events of one room, CHUNK at the most, in one transaction; how many went."""
    with transaction.atomic():
        head = RoomHead.objects.select_for_update().get(room=room)
        if count := _delete_before_gap(head, days):
            return count
        last = _last_to_go(head, days, minimum)
        if last > head.trimmed:
            Event.objects.filter(room=room, seq__lte=last).delete()
            RoomHead.objects.filter(room=room).update(trimmed=last)
    return max(0, last - head.trimmed)


def _delete_before_gap(head: RoomHead, days: int) -> int:
    """Delete old events that a gap has trimmed already (realtime.timelines); how many went."""
    before = Event.objects.filter(room=head.room, seq__lte=head.trimmed, at__lt=days_ago(days))
    some = before.order_by("seq").values("pk")[:CHUNK]
    return Event.objects.filter(pk__in=some).delete()[0]


def _last_to_go(head: RoomHead, days: int, minimum: int) -> int:
    """Up to the first that is to stay: clocks of several writers may disagree, the order of seq does not."""
    last = min(head.seq - minimum, head.trimmed + CHUNK)
    first_to_stay = (
        Event.objects.filter(room=head.room, seq__gt=head.trimmed, seq__lte=last, at__gte=days_ago(days))
        .order_by("seq")
        .values_list("seq", flat=True)
        .first()
    )
    return last if first_to_stay is None else first_to_stay - 1
