"""What a room tells again: to a thousand who come back at once it costs reads by the range, and no hole."""

import asyncio
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime import eventlog, history, metrics
from realtime.database import in_database
from realtime.eventlog import Event, HistoryTrimmed
from realtime.history import SHORT_PAGE, History, Memory, Pages, Recents
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.protocol import FrameError
from tests.realtime.hub_rig import Bells, Reader, Rig, run
from tests.support.queries import reads_of
from tests.support.waiting import until

# A tenth of what a gateway keeps: a thousand readers of whole pages would keep a busy machine for a minute.
PAGE, RECENT = 50, 100
LENGTH = 230
PAGES = -(-LENGTH // PAGE)
LOG = EventRow._meta.db_table


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", PAGE)
    monkeypatch.setattr(history, "RECENT", RECENT)


async def trim(rig: Rig, seq: int) -> None:
    """Let go of the events up to `seq`, as retention does it."""
    await in_database(EventRow.objects.filter(room=rig.room.name, seq__lte=seq).delete)
    await in_database(RoomHead.objects.filter(room=rig.room.name).update, trimmed=seq)


async def opened(rig: Rig, memory: Memory | None = None) -> History:
    """The room's history as a process has it that has just opened the room."""
    found = History(rig.room, memory or Memory())
    found.head = await rig.head()
    return found


async def read_on(found: History, cursor: int) -> list[int]:
    """What a reader gets who goes on from the cursor until it is level with the head."""
    seqs: list[int] = []
    while (at := seqs[-1] if seqs else cursor) < found.head:
        seqs += [event.seq for event in await found.after(at) if event.seq <= found.head]
    return seqs


def test_a_thousand_who_come_back_at_once_cost_a_read_for_each_page(rig: Rig) -> None:
    """The gateway has just started and knows nothing of the room: the crowd after a deploy."""

    async def story() -> None:
        await rig.create()
        await rig.write(LENGTH)
        readers = [Reader(str(number), queue=LENGTH) for number in range(1000)]
        cursors = [random.randrange(LENGTH + 1) for _ in readers]
        with reads_of(LOG) as queries:
            await asyncio.gather(
                *(rig.join(reader, since) for reader, since in zip(readers, cursors, strict=True))
            )
            await until(lambda: all(rig._complete(reader, LENGTH) for reader in readers))
        for reader, since in zip(readers, cursors, strict=True):
            assert reader.seqs == list(range(since + 1, LENGTH + 1))
        assert 1 <= len(queries) <= PAGES

    run(story())


def test_who_comes_later_finds_in_memory_what_others_have_read(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(LENGTH)
        found = await opened(rig)
        assert await read_on(found, 0) == list(range(1, LENGTH + 1))
        with reads_of(LOG) as queries:
            for cursor in (0, 1, 49, 50, 129, 130, 131, 229, 230):
                assert await read_on(found, cursor) == list(range(cursor + 1, LENGTH + 1))
        assert queries == []

    run(story())


def test_clients_that_know_more_than_their_gateway_share_one_look_at_the_head(rig: Rig) -> None:
    """The bell was lost: they all come from a gateway that has heard more."""

    async def story() -> None:
        await rig.create()
        found = await opened(rig)
        await rig.write(5)
        before = metrics.LOG_READS._value.get()
        assert set(await asyncio.gather(*(found.check(5) for _ in range(500)))) == {5}
        assert metrics.LOG_READS._value.get() == before + 1
        with pytest.raises(HistoryTrimmed):
            await found.check(6)

    run(story())


@pytest.mark.parametrize("trimmed", [3, PAGE, PAGE + 25, LENGTH])
def test_what_is_no_longer_kept_is_refused_at_the_cost_of_one_read_a_page(rig: Rig, trimmed: int) -> None:
    """A page that is trimmed in part serves those whose cursor it still reaches."""

    async def story() -> None:
        await rig.create()
        await rig.write(LENGTH)
        await trim(rig, trimmed)
        readers = [Reader(str(number), queue=LENGTH) for number in range(300)]
        cursors = [random.randrange(LENGTH + 1) for _ in readers]
        cursors[:3] = [trimmed - 1, trimmed, min(trimmed + 1, LENGTH)]
        with reads_of(LOG) as queries:
            answers = await asyncio.gather(
                *(rig.join(reader, since) for reader, since in zip(readers, cursors, strict=True)),
                return_exceptions=True,
            )
            welcome = [r for r, answer in zip(readers, answers, strict=True) if answer is None]
            await until(lambda: all(rig._complete(reader, LENGTH) for reader in welcome))
        for reader, since, answer in zip(readers, cursors, answers, strict=True):
            if since >= trimmed:
                assert reader.seqs == list(range(since + 1, LENGTH + 1))
            else:
                assert isinstance(answer, FrameError)
                assert (answer.code, reader.seqs) == ("history-trimmed", [])
        assert len(queries) <= PAGES

    run(story())


def test_a_history_never_keeps_more_than_its_bounds(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(LENGTH)
        page = history._size(await in_database(rows, rig, 0, PAGE))
        pages = Pages(most=2 * page + 100)
        found = await opened(rig, Memory(pages))
        assert await read_on(found, 0) == list(range(1, LENGTH + 1))
        assert len(found.recent) <= RECENT
        assert 0 < pages.size <= 2 * page + 100
        pages.forget(rig.room)
        assert pages.size == 0
        for event in await in_database(rows, rig, 0, 3 * PAGE):
            found.append(event)
        assert len(found.recent) == RECENT

    run(story())


def test_large_events_fill_a_history_by_their_characters(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each room of large ones takes tens of megabytes. What is left is without a hole all the same."""
    monkeypatch.setattr(history, "ROOM_BYTES", 100_000)

    async def story() -> None:
        await rig.create()
        await rig.write(40, size=10_000)
        heard, read = History(rig.room, Memory()), await opened(rig)
        heard.head = 0
        for event in await in_database(rows, rig, 0, 40):
            heard.append(event)
        assert await read_on(read, 0) == list(range(1, 41))
        for found in (heard, read):
            kept = [event.seq for event in found.recent]
            assert kept == list(range(41 - len(kept), 41))
            assert len(kept) == 9
            assert found.recent_size == history._size(found.recent)
            assert await read_on(found, 0) == list(range(1, 41))

    run(story())


def test_the_recent_events_of_all_rooms_together_are_bounded(bells: Bells, rig: Rig) -> None:
    """Each room has its bound, and a process has thousands. The quietest gives way, and no event is lost."""

    async def story() -> None:
        memory = Memory(recents=Recents(most=27_000))
        rigs = [rig, *(Rig(bells) for _ in range(4))]
        found = []
        for each in rigs:
            await each.create()
            await each.write(20)
            found.append(History(each.room, memory))
            found[-1].head = 0
            for event in await in_database(rows, each, 0, 20):
                found[-1].append(event)
            assert memory.recents.size <= 27_000
        assert [len(one.recent) for one in found] == [0, 0, 0, 20, 20]
        for one in found:
            assert await read_on(one, 0) == list(range(1, 21))
        for one in found:
            one.close()
        assert (memory.recents.size, memory.pages.size) == (0, 0)

    run(story())


def test_one_event_beyond_all_bounds_is_read_from_the_log(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "ROOM_BYTES", 1000)

    async def story() -> None:
        await rig.create()
        await rig.write(2)
        await rig.write(1, size=10_000)
        found = History(rig.room, Memory(Pages(most=1000)))
        found.head = 0
        for event in await in_database(rows, rig, 0, 3):
            found.append(event)
        assert (len(found.recent), found.recent_size) == (0, 0)
        assert await read_on(found, 0) == [1, 2, 3]

    run(story())


def test_readers_of_the_page_that_still_grows_share_one_read(rig: Rig) -> None:
    """Large events leave little room in memory: without the page each of its readers would ask the log."""

    async def story() -> None:
        await rig.create()
        await rig.write(PAGE + 20)
        found = await opened(rig)
        with pytest.MonkeyPatch.context() as smaller, reads_of(LOG) as queries:
            smaller.setattr(history, "ROOM_BYTES", 0)
            for cursor in range(PAGE, PAGE + 20):
                assert await read_on(found, cursor) == list(range(cursor + 1, PAGE + 21))
            assert len(queries) == 1
            await rig.write(2)
            found.head += 2
            assert await read_on(found, PAGE) == list(range(PAGE + 1, PAGE + 23))
            assert len(queries) == 2

    run(story())


@pytest.mark.parametrize("small", [0, 200])
def test_where_events_are_large_a_crowd_shares_short_pages(rig: Rig, small: int) -> None:
    """Five hundred of them would be read, and held, as one page of forty megabytes."""

    async def story() -> None:
        await rig.create()
        await rig.write(small)
        await rig.write(60, size=80_000)
        await rig.write(PAGE)
        found = await opened(rig)
        head = found.head
        cursors = [random.randrange(head) for _ in range(100)]
        largest = 0

        async def reader(cursor: int) -> None:
            nonlocal largest
            seqs: list[int] = []
            while (at := seqs[-1] if seqs else cursor) < head:
                given = await found.after(at)
                largest = max(largest, sum(event.size for event in given))
                seqs += [event.seq for event in given]
            assert seqs == list(range(cursor + 1, head + 1))

        with reads_of(LOG) as queries:
            await asyncio.gather(*map(reader, cursors))
        # Sixty large ones lie on two or three pages, which are read in short ones: each once.
        assert len(queries) <= 1 + 3 * (PAGE // SHORT_PAGE) + PAGES
        assert largest <= history.GIVEN_BYTES

    run(story())


def test_an_event_larger_than_a_page_is_given_alone(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(2)
        await rig.write(2, size=3_000_000)
        await rig.write(2)
        found = await opened(rig)
        pages: list[list[int]] = []
        while (at := pages[-1][-1] if pages else 0) < found.head:
            pages.append([event.seq for event in await found.after(at)])
        assert pages == [[1, 2], [3], [4], [5, 6]]

    run(story())


def test_memory_is_counted_in_bytes_and_not_in_characters(rig: Rig) -> None:
    """Of a text with one emoji in it each character takes four."""

    async def story() -> None:
        await rig.create()
        await rig.write(1, size=10_000)
        (event,) = await in_database(rows, rig, 0, 1)
        plain, wide = (replace(event, envelope=event.envelope + end) for end in "x🎉")
        assert 3.8 < history._size([wide]) / history._size([plain]) < 4

    run(story())


def rows(rig: Rig, seq: int, limit: int) -> list[Event]:
    return eventlog.since(rig.room, seq, limit).events


# --- Whatever happens meanwhile -------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(["write", "heard", "trim", "read", "read", "turn"]), st.integers(0, 999)),
    min_size=4,
    max_size=25,
)
KEPT = 3000


class Story:
    """Carries out one random sequence of writes, deliveries, trims and readers."""

    def __init__(self, rig: Rig, found: History) -> None:
        self.rig = rig
        self.found = found
        self.trimmed = 0
        self.reading: list[tuple[int, int, asyncio.Task[list[int]]]] = []

    async def step(self, name: str, number: int) -> None:
        match name:
            case "write":
                await self.rig.write(1 + number % 9)
            case "heard":
                for event in await in_database(rows, self.rig, self.found.head, 1 + number % 9):
                    self.found.append(event)
            case "trim":
                self.trimmed = max(self.trimmed, number % (self.found.head + 1))
                await trim(self.rig, self.trimmed)
            case "read":
                cursor = number % (self.found.head + 1)
                task = asyncio.ensure_future(read_on(self.found, cursor))
                self.reading.append((cursor, self.found.head, task))
            case _:
                await asyncio.sleep(0)

    async def check(self) -> None:
        answers = await asyncio.gather(*(task for *_, task in self.reading), return_exceptions=True)
        for (cursor, head, _), answer in zip(self.reading, answers, strict=True):
            if isinstance(answer, HistoryTrimmed):
                assert cursor < self.trimmed
            else:
                assert isinstance(answer, list), answer
                assert answer == list(range(cursor + 1, cursor + len(answer) + 1))
                assert cursor + len(answer) >= head
        kept = [event.seq for event in self.found.recent]
        assert kept == list(range(self.found.head - len(kept) + 1, self.found.head + 1))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=STEPS, page=st.integers(2, 7), recent=st.integers(3, 12), most_bytes=st.sampled_from([700, 10_000])
)
def test_no_reader_gets_a_hole_whatever_is_written_and_trimmed_meanwhile(
    transactional_db: None,
    bells: Bells,
    steps: list[tuple[str, int]],
    page: int,
    recent: int,
    most_bytes: int,
) -> None:
    """Each gets just what follows its cursor, or hears that the log no longer reaches back so far."""

    async def story() -> None:
        rig, memory = Rig(bells), Memory(Pages(most=KEPT), Recents(most=KEPT))
        await rig.create()
        await rig.write(20)
        told = Story(rig, await opened(rig, memory))
        for name, number in steps:
            await told.step(name, number)
        await told.check()
        assert memory.pages.size <= KEPT
        assert memory.recents.size <= KEPT

    with pytest.MonkeyPatch.context() as smaller:
        smaller.setattr(history, "PAGE", page)
        smaller.setattr(history, "SHORT_PAGE", 2)
        smaller.setattr(history, "RECENT", recent)
        smaller.setattr(history, "PAGE_BYTES", most_bytes)
        smaller.setattr(history, "GIVEN_BYTES", most_bytes)
        run(story())
