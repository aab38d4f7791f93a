"""The event log: seq counts without a hole, in the order of commits, and tells of nothing that was undone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from channels.layers import BaseChannelLayer
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from realtime import eventlog
from realtime.eventlog import Actor, HistoryTrimmed, UnknownRoom
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.rooms import Room, RoomKind, group_name
from tests.realtime.hub_rig import Bells, append

KIND = RoomKind("board", "boardId", frozenset({"note:written"}), lambda room_id, users: set(users))


class Undo(Exception):
    """Raised inside a transaction, to have it rolled back."""


def undone() -> suppress:
    return suppress(Undo)


@pytest.fixture
def room(transactional_db: None, bells: Bells) -> Room:
    made = Room(KIND, str(uuid4()))
    eventlog.create(made)
    return made


def seqs(room: Room, since: int = 0, limit: int = 1000) -> list[int]:
    return [event.seq for event in eventlog.since(room, since, limit).events]


def in_a_thread(work: Callable[[], object]) -> None:
    """Run with a database connection of its own, closed behind it."""

    def closing() -> None:
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(closing).result(timeout=30)


def test_numbers_start_at_one(room: Room) -> None:
    assert eventlog.head(room) == 0
    assert [event.seq for event in append(room, 3)] == [1, 2, 3]
    assert (eventlog.head(room), seqs(room)) == (3, [1, 2, 3])


def test_each_room_counts_for_itself(room: Room) -> None:
    other = Room(KIND, str(uuid4()))
    eventlog.create(other)
    append(room, 2)
    append(other)
    assert (seqs(room), seqs(other)) == ([1, 2], [1])
    assert eventlog.heads([room.name, other.name, "board:unknown"]) == {room.name: 2, other.name: 1}


def test_a_write_that_is_undone_leaves_no_event_no_hole_and_no_bell(room: Room, bells: Bells) -> None:
    """A hole would hold every client up; an event of what never happened would spoil every board."""
    append(room)
    with undone(), eventlog.writing(room) as log:
        log.append("note:written", {}, actor=None)
        log.append("note:written", {}, actor=None)
        raise Undo
    assert [message["seq"] for message in bells.published] == [1]
    append(room)
    assert seqs(room) == [1, 2]


def test_an_undone_part_of_a_write_leaves_no_hole_in_the_rest(room: Room) -> None:
    with eventlog.writing(room) as log:
        log.append("note:written", {"n": 1}, actor=None)
        with undone(), transaction.atomic():
            log.append("note:written", {"n": 2}, actor=None)
            raise Undo
        log.append("note:written", {"n": 3}, actor=None)
    page = eventlog.since(room, 0, 10)
    assert [(event.seq, event.wire()["data"]["n"]) for event in page.events] == [(1, 1), (2, 3)]


def test_the_bell_rings_after_the_commit_and_not_before(room: Room, bells: Bells) -> None:
    """Whoever hears it reads the log: before the commit there is nothing to read."""
    with eventlog.writing(room) as log:
        log.append("note:written", {}, actor=None, reauthorise=True)
        assert bells.published == []
    (message,) = bells.published
    assert (message["room"], message["seq"], message["reauthorise"]) == (room.name, 1, True)


def test_many_writers_at_once_leave_no_hole_and_no_double(room: Room) -> None:
    def write() -> None:
        for _ in range(10):
            append(room)
        connection.close()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(write) for _ in range(6)]:
            done.result(timeout=60)
    assert seqs(room) == list(range(1, 61))


def test_the_writer_of_a_room_makes_the_next_one_wait(room: Room) -> None:
    """Order of seq is order of commit only because the second may not number before the first commits."""
    finished = threading.Event()

    def second() -> None:
        append(room)
        finished.set()
        connection.close()

    with eventlog.writing(room) as log:
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not finished.wait(0.3)
        first = log.append("note:written", {}, actor=None)
    waiting.join(30)
    assert (first.seq, finished.is_set(), seqs(room)) == (1, True, [1, 2])


def test_no_two_events_can_have_the_same_number(room: Room) -> None:
    append(room)
    with pytest.raises(IntegrityError):
        EventRow.objects.create(room=room.name, seq=1, event="x:y", envelope="{}", at=datetime.now(UTC))


def test_an_event_is_the_wire_object_of_the_contract(room: Room) -> None:
    with eventlog.writing(room) as log:
        event = log.append("note:written", {"text": "é"}, actor=Actor("7", "Olive"), mutation_id="key-1")
    wire = event.wire()
    assert list(wire) == ["event", "boardId", "seq", "at", "actor", "mutationId", "data"]
    assert (wire["event"], wire["boardId"], wire["seq"]) == ("note:written", room.id, 1)
    assert (wire["actor"], wire["mutationId"]) == ({"id": "7", "name": "Olive"}, "key-1")
    assert wire["data"] == {"text": "é"}
    assert wire["at"].endswith("Z")
    assert datetime.fromisoformat(wire["at"]).tzinfo is not None
    assert eventlog.since(room, 0, 1).events[0].envelope == event.envelope


def test_without_an_idempotency_key_there_is_no_mutation_id(room: Room) -> None:
    assert append(room)[0].wire()["mutationId"] is None


def test_a_page_says_where_to_go_on_and_whether_there_is_more(room: Room) -> None:
    append(room, 5)
    first = eventlog.since(room, 0, 2)
    assert ([event.seq for event in first.events], first.seq, first.more) == ([1, 2], 2, True)
    last = eventlog.since(room, 2, 3)
    assert ([event.seq for event in last.events], last.seq, last.more) == ([3, 4, 5], 5, False)
    empty = eventlog.since(room, 5, 2)
    assert (empty.events, empty.seq, empty.more) == ([], 5, False)


def test_a_cursor_that_the_log_cannot_continue_is_refused(room: Room) -> None:
    append(room, 5)
    EventRow.objects.filter(room=room.name, seq__lte=3).delete()
    RoomHead.objects.filter(room=room.name).update(trimmed=3)
    for since in (0, 2, 6, 2**62):
        with pytest.raises(HistoryTrimmed):
            eventlog.since(room, since, 10)
    assert seqs(room, 3) == [4, 5]
    assert seqs(room, 5) == []


def test_rows_that_vanish_while_they_are_read_are_never_a_silent_hole(room: Room) -> None:
    append(room, 5)
    EventRow.objects.filter(room=room.name, seq=1).delete()
    with pytest.raises(HistoryTrimmed):
        eventlog.since(room, 0, 10)


def test_a_room_that_was_never_made_is_unknown_everywhere(transactional_db: None) -> None:
    stranger = Room(KIND, str(uuid4()))
    with pytest.raises(UnknownRoom):
        eventlog.head(stranger)
    with pytest.raises(UnknownRoom):
        eventlog.since(stranger, 0, 1)
    with pytest.raises(UnknownRoom), eventlog.writing(stranger):
        pass


def test_a_consistent_read_sees_one_moment(room: Room) -> None:
    """A board read at seq 1 with the tasks of seq 2 would apply an event twice."""
    append(room)
    with eventlog.consistent_read():
        assert eventlog.head(room) == 1
        in_a_thread(lambda: append(room))
        assert eventlog.head(room) == 1
        assert seqs(room) == [1]
    assert seqs(room) == [1, 2]


def test_a_consistent_read_holds_up_no_writer(room: Room) -> None:
    with eventlog.consistent_read():
        assert eventlog.head(room) == 0
        in_a_thread(lambda: append(room, 3))
    assert eventlog.head(room) == 3


def test_a_failed_consistent_read_leaves_the_connection_usable(room: Room) -> None:
    with undone(), eventlog.consistent_read():
        eventlog.head(room)
        raise Undo
    assert [event.seq for event in append(room)] == [1]


def test_group_names_are_legal_for_the_channel_layer(room: Room) -> None:
    assert BaseChannelLayer().require_valid_group_name(group_name(room.name))


@pytest.mark.postgresql
def test_a_published_key_is_looked_up_by_an_index_and_not_in_the_whole_room(room: Room) -> None:
    """The room is locked meanwhile: reading a long log would hold up everybody who writes there."""
    rows, at = EventRow.objects, timezone.now()
    rows.bulk_create(EventRow(room=room.name, seq=seq, event="note:written", at=at) for seq in range(5000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE realtime_event")
    looked_up = rows.filter(room=room.name, mutation_id="key", actor_id=None)
    assert "event_published_key" in looked_up.explain()
