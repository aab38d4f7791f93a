"""Trimming the log: a client must go on exactly, or be told to load the board again; never miss an event."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import uuid4

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import eventlog, retention
from realtime.eventlog import Actor, HistoryTrimmed
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.retention import Trimmed
from realtime.rooms import Room, RoomKind
from tests.realtime.hub_rig import Bells, append
from tests.support.locks import waiting_for_a_lock
from tests.support.processes import eventually

KIND = RoomKind("board", "boardId", frozenset({"note:written"}), lambda room_id, users: set(users))


def new_room() -> Room:
    made = Room(KIND, str(uuid4()))
    eventlog.create(made)
    return made


@pytest.fixture
def room(transactional_db: None, bells: Bells) -> Room:
    return new_room()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)


def grow_old(room: Room, days: int = 100, up_to: int = 2**62) -> None:
    past = datetime.now(UTC) - timedelta(days=days)
    EventRow.objects.filter(room=room.name, seq__lte=up_to).update(at=past)


def seqs(room: Room, since: int) -> list[int]:
    return [event.seq for event in eventlog.since(room, since, 10_000).events]


def trimmed(room: Room) -> int:
    return RoomHead.objects.get(room=room.name).trimmed


def assert_every_cursor_is_right(room: Room) -> None:
    head, gone = eventlog.head(room), trimmed(room)
    for cursor in range(head + 2):
        if gone <= cursor <= head:
            assert seqs(room, cursor) == list(range(cursor + 1, head + 1))
        else:
            with pytest.raises(HistoryTrimmed):
                eventlog.since(room, cursor, 10_000)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 9)),
        st.tuples(st.just("age"), st.integers(0, 40)),
        st.tuples(st.just("trim"), st.integers(0, 12)),
        st.tuples(st.just("chunk"), st.integers(0, 12)),
    ),
    max_size=25,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_cursor_goes_on_exactly_or_is_told(
    transactional_db: None, bells: Bells, small_chunks: None, steps: list[tuple[str, int]]
) -> None:
    """Whatever was written and trimmed in whatever order."""
    room, head = new_room(), 0
    for step, number in steps:
        before = trimmed(room)
        if step == "append":
            append(room, number)
            head += number
        elif step == "age":  # some clock was wrong: what is old is no prefix
            EventRow.objects.filter(room=room.name, seq__lte=number).exclude(seq__in=[2, 11]).update(
                at=datetime.now(UTC) - timedelta(days=100)
            )
        elif step == "trim":
            retention.trim(90, number)
        else:
            retention.trim_chunk(room.name, 90, number)
        assert eventlog.head(room) == head
        assert trimmed(room) >= before
        if step in ("trim", "chunk") and trimmed(room) > before:
            assert head - trimmed(room) >= number
        assert_every_cursor_is_right(room)


def test_old_events_go_and_new_ones_stay(room: Room, small_chunks: None) -> None:
    append(room, 20)
    grow_old(room, up_to=11)
    assert retention.trim(90, minimum=0) == Trimmed(rooms=1, events=11)
    assert trimmed(room) == 11
    assert EventRow.objects.filter(room=room.name).count() == 9
    assert retention.trim(90, minimum=0) == Trimmed(rooms=0, events=0)


def test_the_newest_stay_however_old_they_are(room: Room, small_chunks: None) -> None:
    append(room, 20)
    grow_old(room)
    assert retention.trim(90, minimum=8) == Trimmed(rooms=1, events=12)
    assert seqs(room, 12) == list(range(13, 21))


def test_each_room_is_trimmed_for_itself(room: Room, small_chunks: None) -> None:
    other, young = new_room(), new_room()
    for each in (room, other, young):
        append(each, 7)
    grow_old(room)
    grow_old(other)
    assert retention.trim(90, minimum=2) == Trimmed(rooms=2, events=10)
    assert (trimmed(room), trimmed(other), trimmed(young)) == (5, 5, 0)


def test_zero_days_keep_everything(room: Room) -> None:
    append(room, 5)
    grow_old(room, days=10_000)
    assert retention.trim(0, minimum=0) == Trimmed(0, 0)
    assert seqs(room, 0) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("days_wrong", [200, -200])
def test_a_gateway_whose_clock_is_wrong_trims_as_any_other(room: Room, days_wrong: int) -> None:
    """The one that trims does it for all: with its own clock it would delete what is new, or nothing ever."""
    append(room, 9)
    grow_old(room, up_to=4)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=days_wrong)):
        assert retention.trim(90, minimum=0) == Trimmed(1, 4)


def test_a_gateway_that_stops_does_not_wait_for_the_last_event(room: Room, small_chunks: None) -> None:
    append(room, 10)
    grow_old(room)
    stopping = threading.Event()
    stopping.set()
    assert retention.trim(90, 0, stopping) == Trimmed(0, 0)


def test_a_log_that_is_trimmed_goes_on_counting(room: Room) -> None:
    append(room, 4)
    grow_old(room)
    retention.trim(90, minimum=0)
    assert [event.seq for event in append(room, 2)] == [5, 6]
    assert seqs(room, 4) == [5, 6]


def test_a_key_is_known_as_long_as_its_event_is_kept(room: Room) -> None:
    """What trimming means for the Idempotency-Key of a service."""
    service = Actor(None, "ai")
    with eventlog.writing(room) as log:
        log.append("ai:summarised", {}, actor=service, mutation_id="key-1")
    grow_old(room)
    append(room)
    retention.trim(90, minimum=2)
    with eventlog.writing(room) as log:
        found = log.find("key-1", service)
        assert found is not None
        assert found.seq == 1
    retention.trim(90, minimum=1)
    with eventlog.writing(room) as log:
        assert log.find("key-1", service) is None


def test_the_command_says_what_it_did(room: Room, settings) -> None:
    append(room, 5)
    grow_old(room)
    settings.EVENT_RETENTION_DAYS, settings.EVENT_RETENTION_MINIMUM = 30, 2
    said = "Trimmed 3 events older than 30 days from 1 rooms; the newest 2 of each are kept.\n"
    assert printed() == said
    settings.EVENT_RETENTION_DAYS = 0
    assert "kept for ever" in printed()


def printed() -> str:
    out = StringIO()
    call_command("trim_events", stdout=out)
    return out.getvalue()


@pytest.mark.postgresql
def test_trimming_waits_for_the_writer_that_holds_the_room(room: Room) -> None:
    """One lock order: the room's counter row before any of its events."""
    append(room, 5)
    grow_old(room)

    def trim() -> Trimmed:
        try:
            return retention.trim(90, minimum=0)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), eventlog.writing(room) as log:
            log.append("note:written", {}, actor=None)
            trimming = pool.submit(trim)
            eventually(waits_for_the_room, what="the trimming to want the room")
        assert trimming.result(timeout=20) == Trimmed(1, 5)
    assert (trimmed(room), seqs(room, 5)) == (5, [6])


def waits_for_the_room() -> bool:
    return any("roomhead" in query and "FOR UPDATE" in query for query in waiting_for_a_lock())
