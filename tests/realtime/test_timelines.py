"""Numbers after commits were lost: none is given twice, and whoever has an old cursor learns it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import controls, eventlog, journal, retention, timelines
from realtime.database import in_database
from realtime.eventlog import HistoryTrimmed
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.paging import Pager
from realtime.protocol import CloseCode, FrameError
from realtime.rooms import Room
from realtime.timelines import GAP
from tests.realtime.hub_rig import Bells, Reader, Rig, append, run
from tests.realtime.test_eventlog import KIND, room, seqs
from tests.realtime.test_retention import grow_old
from tests.support.waiting import until

__all__ = ["room"]
ANOTHER = "7714002659629418651/16384/00000001"
BEFORE, AFTER = [("realtime", "0009_service_tokens")], [("realtime", "0010_timelines")]


def lose(name: str, seq: int) -> None:
    """Let the database be as it was at `seq`, and then be another server's."""
    EventRow.objects.filter(room=name, seq__gt=seq).delete()
    RoomHead.objects.filter(room=name).update(seq=seq, timeline=ANOTHER)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has just begun."""
    monkeypatch.setattr(timelines, "_readable", None)


# --- The log --------------------------------------------------------------------------------------


@pytest.mark.postgresql
def test_the_first_writer_in_another_timeline_leaves_a_gap_and_whoever_is_before_it_is_told(
    room: Room,
) -> None:
    append(room, 5)
    lose(room.name, 3)
    first, second = append(room, 1)[0].seq, append(room, 1)[0].seq
    assert GAP < first < 2 * GAP + 5
    assert second == first + 1
    for cursor in (0, 3, 4, 5, first - 2):
        with pytest.raises(HistoryTrimmed):
            eventlog.since(room, cursor, 10)
    assert seqs(room, first - 1) == [first, second]


class Client:
    """One who polls: what it has been told since it last loaded all afresh, by number."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.cursor = 0
        self.told: dict[int, str] = {}

    def poll(self) -> None:
        try:
            events = eventlog.since(self.room, self.cursor, 1000).events
        except HistoryTrimmed:
            self.told, self.cursor = {}, eventlog.head(self.room)
            return
        for event in events:
            assert event.seq == self.cursor + 1
            self.told[event.seq], self.cursor = event.envelope, event.seq

    def holds(self) -> bool:
        """Whether the log has just what it was told."""
        rows = EventRow.objects.filter(room=self.room.name, seq__in=self.told).values_list("seq", "envelope")
        return dict(rows) == self.told and self.cursor == eventlog.head(self.room)


STEPS = st.lists(st.tuples(st.sampled_from(["write", "write", "lose", "poll", "poll"]), st.integers(0, 9)))


@pytest.mark.postgresql
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_whatever_is_lost_a_client_holds_what_the_log_has_or_is_told(
    transactional_db: None, bells: Bells, steps: list[tuple[str, int]]
) -> None:
    """Also where a server has written as much as it had lost before."""
    made = Room(KIND, str(uuid4()))
    eventlog.create(made)
    clients = [Client(made) for _ in range(3)]
    states = [(0, 0)]
    for name, number in steps:
        if name == "poll":
            clients[number % len(clients)].poll()
        elif name == "write":
            append(made, 1 + number % 3)
            states += RoomHead.objects.filter(room=made.name).values_list("seq", "trimmed")
        else:
            states = states[: max(1, len(states) - number % 4)]
            seq, trimmed = states[-1]
            lose(made.name, seq)
            RoomHead.objects.filter(room=made.name).update(trimmed=trimmed)
    for client in clients:
        client.poll()
        assert client.holds()


@pytest.mark.postgresql
def test_two_servers_that_go_on_from_the_same_event_give_different_numbers(room: Room) -> None:
    """Else who has heard the first of them would be level with the second."""
    append(room, 1)
    given = []
    for _ in range(2):
        lose(room.name, 1)
        given.append(append(room, 1)[0].seq)
    assert len(set(given)) == 2


@pytest.mark.postgresql
def test_a_head_of_which_no_timeline_is_known_goes_on_without_a_gap(room: Room) -> None:
    """It was made by a gateway of an older version."""
    RoomHead.objects.update(timeline="")
    append(room, 2)
    assert seqs(room) == [1, 2]
    assert RoomHead.objects.get(room=room.name).timeline == timelines.current() != ""


def test_without_a_failover_there_is_no_gap(room: Room) -> None:
    for _ in range(3):
        append(room)
    assert seqs(room) == [1, 2, 3]


@contextmanager
def plain_role() -> Iterator[None]:
    """Be one who has no rights but those on our tables and what everybody may."""
    name = f"plain_{uuid4().hex}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name}")
        try:
            cursor.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}")
            cursor.execute(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}")
            cursor.execute(f"SET ROLE {name}")
            yield
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP OWNED BY {name}")
            cursor.execute(f"DROP ROLE {name}")


@pytest.mark.postgresql
def test_an_ordinary_role_may_read_the_timeline(room: Room) -> None:
    with plain_role():
        append(room)
    assert RoomHead.objects.get(room=room.name).timeline == timelines.current()


@pytest.mark.postgresql
def test_a_host_that_does_not_tell_the_timeline_takes_writes_all_the_same(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        try:
            with plain_role():
                append(room)
                append(room)
        finally:
            cursor.execute("GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC")
    assert seqs(room) == [1, 2]
    assert caplog.text.count("does not tell its timeline") == 1


@pytest.mark.postgresql
def test_the_operators_journal_leaves_a_gap_too(transactional_db: None, django_user_model: type) -> None:
    """A gateway that has followed a lost entry would take the next one for it."""
    operator = controls.operator_of(django_user_model.objects.create_user("oprah"))  # type: ignore[attr-defined]
    controls.set_policy(operator, {"max-connections": 50})
    RoomHead.objects.filter(room=journal.COUNTER).update(timeline=ANOTHER)
    controls.set_policy(operator, {"max-connections": 80})
    assert journal.head() > GAP


@pytest.mark.postgresql
def test_events_from_before_a_gap_go_once_they_are_old_and_in_chunks(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 3)
    append(room, 8)
    grow_old(room)
    lose(room.name, 8)
    (kept,) = append(room, 1)
    assert retention.trim_chunk(room.name, 90, 100) == 3
    assert retention.trim(90, 100).events == 5
    assert list(EventRow.objects.filter(room=room.name).values_list("seq", flat=True)) == [kept.seq]


@pytest.mark.postgresql
def test_the_migration_gives_what_is_there_the_timeline_of_now(room: Room) -> None:
    """Else a failover right after it would find rows of which nothing is known."""
    MigrationExecutor(connection).migrate(BEFORE)
    try:
        MigrationExecutor(connection).migrate(AFTER)
        assert RoomHead.objects.get(room=room.name).timeline == timelines.current() != ""
        with connection.cursor() as cursor:  # as an older gateway does it
            cursor.execute(
                "INSERT INTO realtime_roomhead (room, seq, trimmed, closed) VALUES ('a', 0, 0, false)"
            )
        assert RoomHead.objects.get(room="a").timeline == ""
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())


# --- What a gateway has in memory -----------------------------------------------------------------


def closed_with(reader: Reader) -> int | None:
    closing = reader.connection.closing
    return None if closing is None else closing.code


def test_a_room_whose_head_has_gone_back_is_given_up_and_its_lost_events_with_it(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        first, late = Reader(), Reader()
        await rig.join(first)
        await rig.write(6)
        await rig.settle(first)
        waiting = asyncio.create_task(rig.hub.wait_beyond(rig.room, 6, 30))
        await until(lambda: (state := rig.hub.find(rig.room.name)) and state.waiters)
        await in_database(lose, rig.room.name, 3)
        await rig.hub.check_heads()
        assert closed_with(first) == CloseCode.RESTART
        assert await waiting
        with pytest.raises(HistoryTrimmed):
            await Pager(rig.hub).heard(rig.room, 6, 10)
        with pytest.raises(FrameError, match="load the board again"):
            await rig.join(late, 6)
        await rig.join(late, 1)
        await until(lambda: late.seqs == [2, 3])

    run(story())


def test_a_room_that_is_not_there_any_more_is_given_up(rig: Rig) -> None:
    """The board was made in a commit that was lost."""

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        await in_database(RoomHead.objects.filter(room=rig.room.name).delete)
        await rig.hub.check_heads()
        assert closed_with(reader) == CloseCode.RESTART

    run(story())


def test_one_who_knew_more_than_its_gateway_is_sent_back_too(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.hub.open(rig.room)
        await rig.write(3)
        ahead = Reader()
        await rig.join(ahead, 3)
        await in_database(lose, rig.room.name, 0)
        await rig.hub.check_heads()
        assert closed_with(ahead) == CloseCode.RESTART

    run(story())


def test_a_room_that_has_gone_on_while_heads_were_read_is_not_given_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_read, go_on = threading.Event(), threading.Event()
    read = eventlog.heads

    def read_slowly(names: list[str]) -> dict[str, int]:
        found = read(names)
        has_read.set()
        go_on.wait(10)
        return found

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        monkeypatch.setattr(eventlog, "heads", read_slowly)
        looking = asyncio.create_task(rig.hub.check_heads())
        await until(has_read.is_set)
        await rig.write()
        rig.ring(1)
        await until(lambda: reader.seqs == [1])
        go_on.set()
        await looking
        assert closed_with(reader) is None

    run(story())


@pytest.mark.postgresql
def test_pages_that_polls_have_left_in_memory_are_not_told_to_who_joins_after_the_gap(rig: Rig) -> None:
    """No room was open, so no look at heads has found them out."""

    async def story() -> None:
        await rig.create()
        await rig.write(6)
        await Pager(rig.hub).newest(rig.room, 0, 10)
        await in_database(lose, rig.room.name, 3)
        await rig.write()
        reader = Reader()
        for cursor in (1, 3, 4, 6):
            with pytest.raises(FrameError, match="load the board again"):
                await rig.join(reader, cursor)
            with pytest.raises(HistoryTrimmed):
                await Pager(rig.hub).newest(rig.room, cursor, 10)
        assert reader.seqs == []

    run(story())


@pytest.mark.postgresql
def test_members_are_sent_back_by_a_write_that_comes_before_the_next_look(rig: Rig, bells: Bells) -> None:
    """Its number is beyond all that they have seen, so nobody takes it for an old one."""

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        await rig.write(3)
        await rig.settle(reader)
        await in_database(lose, rig.room.name, 0)
        await rig.write(3)
        rig.ring(await rig.head())
        await until(lambda: closed_with(reader) == CloseCode.RESTART)
        assert reader.seqs == [1, 2, 3]

    run(story())
