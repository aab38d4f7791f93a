"""What polls cost the database, and that sharing the cost makes no answer older than its question."""

import asyncio
import itertools
import random
import threading
from collections.abc import Awaitable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import eventlog, history, metrics
from realtime.database import in_database
from realtime.eventlog import Bounds, HistoryTrimmed, Page, Span
from realtime.history import PAGE
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.paging import Pager
from realtime.polling import EventsEndpoint
from realtime.rooms import Room
from tests.realtime.hub_rig import Bells, Reader, Rig, run
from tests.support.queries import reads_of
from tests.support.waiting import until

POLLERS = 200
LOG = (EventRow._meta.db_table, RoomHead._meta.db_table)


class Polls:
    """Asks as guests, each from an address of its own, by the ASGI application itself."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._numbers = itertools.count()
        self.endpoint = EventsEndpoint(rig.gateway, rig.room.kind, preflight=never)

    async def answer(self, **query: int) -> tuple[int, Any]:
        """Status and body."""
        await self.rig.gateway.following.look()  # what the gateway's clock does at its start
        text = "&".join(f"{name}={value}" for name, value in query.items()).encode()
        sent: list[dict[str, Any]] = []
        number = next(self._numbers)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/events/",
            "query_string": text,
            "headers": [],
            "client": (f"127.0.{number // 250}.{number % 250}", 1),
            "url_route": {"kwargs": {"room_id": self.rig.room.id}},
        }
        await self.endpoint(scope, stay, send)
        return sent[0]["status"], orjson.loads(sent[1]["body"])

    async def seqs(self, **query: int) -> list[int]:
        status, found = await self.answer(**query)
        assert status == 200, found
        return [event["seq"] for event in found["events"]]

    def hold(self, count: int, **query: int) -> list["asyncio.Task[list[int]]"]:
        return [asyncio.create_task(self.seqs(**query, wait=30_000)) for _ in range(count)]

    async def held(self, count: int) -> None:
        await until(lambda: (state := self.rig.hub.find(self.rig.room.name)) and len(state.waiters) == count)


async def stay() -> dict[str, Any]:
    """The receiving end of a client that waits for its answer."""
    await asyncio.Event().wait()
    return {}


async def never(*_: Any) -> None:
    raise AssertionError("no OPTIONS was asked")


@pytest.fixture
def polls(rig: Rig) -> Polls:
    return Polls(rig)


def log_reads() -> float:
    return metrics.LOG_READS._value.get()


async def hear(polls: Polls, count: int = 1) -> None:
    """Write events and let the gateway hear of them."""
    head = await polls.rig.head()
    await polls.rig.write(count)
    for seq in range(head + 1, head + count + 1):
        polls.rig.ring(seq)


async def trim(polls: Polls, seq: int) -> None:
    name = polls.rig.room.name
    await in_database(EventRow.objects.filter(room=name, seq__lte=seq).delete)
    await in_database(RoomHead.objects.filter(room=name).update, trimmed=seq)


# --- What it costs --------------------------------------------------------------------------------


def test_an_event_that_wakes_many_pollers_is_read_for_none_of_them(polls: Polls) -> None:
    """The gateway has it in memory: else one event is a read for each, in a handful of threads."""

    async def story() -> None:
        await polls.rig.create()
        waiting = polls.hold(POLLERS, since=0)
        await polls.held(POLLERS)
        await polls.rig.write()
        with reads_of(*LOG) as queries:
            polls.rig.ring(1)
            assert await asyncio.gather(*waiting) == [[1]] * POLLERS
        assert queries == []

    run(story())


def test_who_asks_at_the_same_moment_shares_one_look_whatever_the_room(bells: Bells, rig: Rig) -> None:
    async def story() -> None:
        other = Rig(bells)
        for each in (rig, other):
            await each.create()
        pager = Pager(rig.hub)
        with reads_of(*LOG) as queries:
            asked = [pager.newest(each.room, 0, 500) for each in (rig, other) for _ in range(POLLERS)]
            assert await asyncio.gather(*asked) == [Page(0, [], more=False)] * 2 * POLLERS
        assert len(queries) == 1

    run(story())


def test_a_crowd_in_a_room_that_is_not_heard_shares_the_read_of_the_log(rig: Rig) -> None:
    """Nobody waits or sits in it: there is nothing in memory."""

    async def story() -> None:
        await rig.create()
        await rig.write(3)
        pager = Pager(rig.hub)
        with reads_of(EventRow._meta.db_table) as queries:
            pages = await asyncio.gather(*(pager.newest(rig.room, 1, 500) for _ in range(POLLERS)))
        assert [[event.seq for event in page.events] for page in pages] == [[2, 3]] * POLLERS
        assert len(queries) == 1

    run(story())


def test_pollers_of_every_cursor_share_the_reads_of_a_room_that_is_not_heard(
    polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a crowd does that has been sent to polling: reads follow the range, and then what is new."""
    reads: list[tuple[int, int]] = []
    span = eventlog.span

    def noted(room: Room, seq: int, length: int, most_bytes: int | None) -> Span:
        reads.append((seq, length))
        return span(room, seq, length, most_bytes)

    monkeypatch.setattr(eventlog, "span", noted)
    written = 2 * PAGE + 40

    async def story() -> None:
        await polls.rig.create()
        await polls.rig.write(written)
        cursors = [random.randrange(written) for _ in range(POLLERS)]
        found = await asyncio.gather(*(polls.seqs(since=cursor, limit=1000) for cursor in cursors))
        for cursor, seqs in zip(cursors, found, strict=True):
            assert seqs == list(range(cursor + 1, min(cursor + 1000, written) + 1))
        assert sorted(reads) == [(0, PAGE), (PAGE, PAGE), (2 * PAGE, PAGE)]
        reads.clear()
        await polls.rig.write(2)
        newest = await asyncio.gather(*(polls.seqs(since=written - number % 10) for number in range(POLLERS)))
        assert {seqs[-1] for seqs in newest} == {written + 2}
        assert reads == [(written, PAGE - 40)]

    run(story())


def test_a_page_ends_after_a_mebibyte_and_says_that_there_is_more(polls: Polls) -> None:
    """Else one poll of a board with long descriptions is answered with fifty megabytes."""

    async def story() -> None:
        await polls.rig.create()
        await polls.rig.write(3)
        await polls.rig.write(30, size=80_000)
        await polls.rig.write(2, size=2_000_000)
        seqs: list[int] = []
        more = True
        while more:
            since = seqs[-1] if seqs else 0
            status, found = await polls.answer(since=since, limit=1000)
            assert status == 200
            given = [event["seq"] for event in found["events"]]
            assert found["seq"] == given[-1]
            assert len(given) == 1 or len(orjson.dumps(found["events"])) <= history.GIVEN_BYTES
            seqs += given
            more = found["more"]
            assert more is (seqs[-1] < 35)
            assert (found["pollAfterMs"] == 0) is more
        assert seqs == list(range(1, 36))

    run(story())


def test_pollers_of_every_cursor_are_answered_from_memory(polls: Polls) -> None:
    async def story() -> None:
        await polls.rig.create()
        await polls.rig.join(Reader())
        await hear(polls, 40)
        cursors = [random.randrange(40) for _ in range(POLLERS)]
        with reads_of(EventRow._meta.db_table) as queries:
            found = await asyncio.gather(*(polls.seqs(since=cursor) for cursor in cursors))
        assert found == [list(range(cursor + 1, 41)) for cursor in cursors]
        assert queries == []

    run(story())


def test_reads_for_pollers_are_counted(polls: Polls) -> None:
    async def story() -> None:
        await polls.rig.create()
        before = log_reads()
        assert await polls.seqs(since=0) == []
        assert log_reads() == before + 1  # the head
        await polls.rig.write()
        assert await polls.seqs(since=0) == [1]
        assert log_reads() == before + 3  # the head, and the event

    run(story())


# --- No answer is older than its question -----------------------------------------------------------


@pytest.mark.parametrize("wait", [0, 30_000])
def test_what_another_gateway_has_written_is_seen_before_the_bell_rings(polls: Polls, wait: int) -> None:
    """Its writer may ask here: the room is heard, and the hub's head is behind."""

    async def story() -> None:
        await polls.rig.create()
        await polls.rig.join(Reader())
        await hear(polls, 3)
        await polls.rig.write(2)
        assert await polls.seqs(since=3, wait=wait) == [4, 5]
        assert await polls.seqs(since=0, wait=wait) == [1, 2, 3, 4, 5]
        status, found = await polls.answer(since=1, limit=2, wait=wait)
        assert (status, found["seq"], found["more"]) == (200, 3, True)

    run(story())


def test_a_look_that_is_under_way_answers_nobody_who_asks_after_it_began(
    polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written in between would be missing."""
    looked, go_on, look = threading.Event(), threading.Event(), eventlog.bounds

    def slowly(names: set[str]) -> dict[str, Bounds]:
        found = look(names)
        looked.set()
        go_on.wait(30)
        return found

    async def story() -> None:
        await polls.rig.create()
        monkeypatch.setattr(eventlog, "bounds", slowly)
        early = asyncio.create_task(polls.seqs(since=0))
        await until(looked.is_set)
        monkeypatch.setattr(eventlog, "bounds", look)
        await polls.rig.write()
        late = asyncio.create_task(polls.seqs(since=0))
        await until(lambda: polls.endpoint.pager._bounds._next or late.done())
        go_on.set()
        assert (await early, await late) == ([], [1])

    run(story())


@pytest.mark.parametrize("hears", [True, False], ids=["in memory", "in the log"])
def test_what_is_trimmed_or_was_never_there_is_told(polls: Polls, hears: bool) -> None:
    """Events that memory still holds are trimmed for polls all the same, as on every other gateway."""

    async def story() -> None:
        await polls.rig.create()
        if hears:
            await polls.rig.join(Reader())
        await hear(polls, 9)
        await trim(polls, 4)
        for cursor in (0, 3, 10):
            status, found = await polls.answer(since=cursor)
            assert (status, found["code"]) == (410, "history-trimmed")
        assert await polls.seqs(since=4) == [5, 6, 7, 8, 9]
        assert await polls.seqs(since=9) == []

    run(story())


def test_a_woken_poller_gets_its_limit_and_hears_of_more(polls: Polls) -> None:
    async def story() -> None:
        await polls.rig.create()
        waiting = asyncio.create_task(polls.answer(since=0, limit=2, wait=30_000))
        await polls.held(1)
        await hear(polls, 5)
        status, found = await waiting
        seqs = [event["seq"] for event in found["events"]]
        assert (status, found["seq"], seqs, found["more"], found["pollAfterMs"]) == (200, 2, [1, 2], True, 0)

    run(story())


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "hear", "trim", "poll", "poll"]), st.integers(0, 99), st.integers(1, 20)
    ),
    min_size=4,
    max_size=20,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, page=st.integers(2, 7))
def test_a_page_is_the_logs_own_wherever_it_comes_from(
    transactional_db: None, bells: Bells, steps: list[tuple[str, int, int]], page: int
) -> None:
    """Whatever of the log is heard, kept in memory or trimmed."""

    async def story() -> None:
        rig = Rig(bells)
        pager, polls = Pager(rig.hub), Polls(rig)
        await rig.create()
        await rig.join(Reader())
        for name, number, limit in steps:
            head = await rig.head()
            if name == "write":
                await rig.write(limit)
            elif name == "hear":
                for seq in range(1, head + 1):
                    rig.ring(seq)
            elif name == "trim":
                bounds = await in_database(eventlog.bounds, [rig.room.name])
                await trim(polls, max(bounds[rig.room.name].trimmed, number % (head + 1)))
            else:
                asked = (rig.room, number % (head + 2), limit)
                assert await outcome(pager.newest(*asked)) == await outcome(
                    in_database(eventlog.since, *asked)
                )

    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(history, "PAGE", page)
        run(story())


async def outcome(reading: Awaitable[Page]) -> Any:
    """What came of it: the page's events to the byte, or the kind of failure."""
    try:
        page = await reading
    except HistoryTrimmed as gone:
        return str(gone)
    return page.seq, page.more, [event.envelope for event in page.events]
