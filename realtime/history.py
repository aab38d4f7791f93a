"""What the members of a room may be told again: its last events in memory, earlier ones from the log.

A thousand clients that come back at once, each with a cursor of its own, must not be a thousand queries.
So the log is read in pages at fixed places, seq 1 … PAGE, PAGE + 1 … 2 * PAGE and so on, one read for all who
wait for the same page, and a page stays in memory for those who come to it later. Reads then follow the range
that is asked for and not the number of readers. Where events are large, the pages are shorter ones.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from cachetools import LRUCache

from realtime import eventlog, metrics
from realtime.batching import Batch
from realtime.database import in_database
from realtime.eventlog import Bounds, Event, HistoryTrimmed, Span
from realtime.rooms import Room

PAGE = 500  # events read from the log at once
PAGE_BYTES = 2 * 1024 * 1024  # of a page; where there are more, it is read in short ones
SHORT_PAGE = 10  # events; the largest events there are take a few hundred kilobytes
GIVEN_BYTES = 1024 * 1024  # of events that a reader gets at once, but for one that is larger
RECENT = 1000  # events a room keeps in memory for those who come back at once
ROOM_BYTES = 4_000_000  # of them, which large events reach long before their number does
KEPT_BYTES = 64_000_000  # of the pages that a process keeps, all rooms together
RECENT_BYTES = 128_000_000  # of the recent events of all rooms that a process hears
EVENT_BYTES = 400  # of an event in memory, beside its envelope: most are small

Place = tuple[int, int]  # of a page: the seq before its first event, and how many it may have
PageKey = tuple[str, Place]


class Pages:
    """The pages that a process keeps, whichever room they are of; the longest unused goes first."""

    def __init__(self, most: int = KEPT_BYTES) -> None:
        self._kept: LRUCache[PageKey, list[Event]] = LRUCache(most, getsizeof=_size)

    @property
    def size(self) -> int:
        """Of all that is kept, in bytes or so."""
        return int(self._kept.currsize)

    def keep(self, key: PageKey, events: list[Event]) -> None:
        with suppress(ValueError):  # larger than all that may be kept
            self._kept[key] = events

    def find(self, key: PageKey) -> list[Event]:
        """The events of that page; empty where it is not kept."""
        return self._kept.get(key, [])

    def drop(self, key: PageKey) -> None:
        self._kept.pop(key, None)

    def forget(self, room: Room) -> None:
        """Drop what is kept of a room that this process no longer hears."""
        for key in [key for key in self._kept if key[0] == room.name]:
            del self._kept[key]


class Recents:
    """Bounds the recent events of all rooms together; the room that has been quiet for longest goes first."""

    def __init__(self, most: int = RECENT_BYTES) -> None:
        self._most = most
        self._sizes: dict[History, int] = {}  # the last to grow at the end
        self.size = 0

    def changed(self, history: "History", size: int) -> None:
        """A history keeps so much now."""
        self.size += size - self._sizes.pop(history, 0)
        if size:
            self._sizes[history] = size
        while self.size > self._most:
            next(iter(self._sizes)).forget()


class Memory:
    """What a process keeps of the log for those who come back."""

    def __init__(self, pages: Pages | None = None, recents: Recents | None = None) -> None:
        self.pages = pages or Pages()
        self.recents = recents or Recents()


class History:
    """One room's events up to `head`, which is -1 until somebody has set it.

    `recent` is without a hole and ends at `head`, or is empty.
    """

    def __init__(self, room: Room, memory: Memory) -> None:
        self.room = room
        self.head = -1
        self.recent: deque[Event] = deque()
        self.recent_size = 0
        self._pages, self._recents = memory.pages, memory.recents
        self._closed = False
        self._trimmed = 0  # events up to here were found to be gone; they never come back
        self._large: set[int] = set()  # where pages begin that are read in short ones
        self._reads: dict[Place, asyncio.Task[Span]] = {}
        self._newest: Batch[None, int] = Batch(self._read_newest)

    def begin(self, bounds: Bounds) -> None:
        """Keep what comes after the newest event that there is now."""
        self.head, self._trimmed = bounds.newest, bounds.trimmed

    def append(self, event: Event) -> None:
        """Take the event after `head`."""
        self.head = event.seq
        if self._closed:
            return
        self.recent.append(event)
        self.recent_size += _weight(event)
        while len(self.recent) > RECENT or self.recent_size > ROOM_BYTES:
            self.recent_size -= _weight(self.recent.popleft())
        self._recents.changed(self, self.recent_size)

    def forget(self) -> None:
        """Keep no recent events: whoever needs them finds them in the log."""
        self.recent.clear()
        self.recent_size = 0
        self._recents.changed(self, 0)

    def close(self) -> None:
        """Keep nothing any more: the process no longer hears the room."""
        self._closed = True
        self.forget()
        self._pages.forget(self.room)

    async def after(self, cursor: int) -> list[Event]:
        """Events after a cursor beyond which there are any, in order: PAGE or GIVEN_BYTES at most, but one.

        Some may be later than `head`, where the log is ahead of this process. Raises HistoryTrimmed.
        """
        # A read that was under way already may end before what has come since, and a page may be found large.
        for _ in range(4):
            # Before the look into memory, which may be of a log that has been lost.
            if cursor < self._trimmed:
                break
            if found := self._in_memory(cursor):
                return within(GIVEN_BYTES, found)
            span = await self._read(self._place_of(cursor))
            if found := _beyond(cursor, span.events):
                return within(GIVEN_BYTES, found)
        raise HistoryTrimmed(f"events after {cursor} cannot be had: the log no longer reaches back to them")

    async def check(self, cursor: int) -> int:
        """Raise HistoryTrimmed unless the log can continue from a cursor; else the newest seq known to exist.

        A cursor beyond `head` is right where its owner has heard more than this process.
        """
        if cursor > self.head and cursor > (newest := await self._newest.ask(None)):
            raise HistoryTrimmed(f"events after {cursor} cannot be had: the newest is {newest}")
        if cursor < self.head:
            await self.after(cursor)
        return max(cursor, self.head)

    def _in_memory(self, cursor: int) -> list[Event]:
        if self.recent and self.recent[0].seq <= cursor + 1:
            first = cursor + 1 - self.recent[0].seq
            return list(islice(self.recent, first, first + PAGE))
        return _beyond(cursor, self._pages.find((self.room.name, self._place_of(cursor))))

    def _place_of(self, cursor: int) -> Place:
        """The page that holds the event after a cursor."""
        start = cursor - cursor % PAGE
        return (cursor - cursor % SHORT_PAGE, SHORT_PAGE) if start in self._large else (start, PAGE)

    async def _read(self, place: Place) -> Span:
        """One read of the log for all who wait for the same page."""
        task = self._reads.get(place)
        if task is None or task.done():  # the one that has just ended may be older than the question
            task = asyncio.create_task(self._read_page(place))
            self._reads[place] = task
            task.add_done_callback(partial(self._ended, place))
        return await asyncio.shield(task)

    def _ended(self, place: Place, task: "asyncio.Task[Span]") -> None:
        if self._reads.get(place) is task:
            del self._reads[place]
        if not task.cancelled():
            task.exception()  # marked as seen: it may be that nobody waits any more

    async def _read_page(self, place: Place) -> Span:
        """Read a page, or what has come since of one that is kept: the last one grows yet."""
        metrics.LOG_READS.inc()
        key, (start, length) = (self.room.name, place), place
        kept = self._pages.find(key)
        end = kept[-1].seq if kept else start
        most_bytes = PAGE_BYTES - _size(kept) if length > SHORT_PAGE else None
        span = await in_database(eventlog.span, self.room, end, start + length - end, most_bytes)
        if span.is_large:
            self._large.add(start)
            self._pages.drop(key)
        self._trimmed = max(self._trimmed, span.trimmed)
        if span.trimmed <= end:
            span = replace(span, events=kept + span.events)
        if span.events and not self._closed:
            self._pages.keep(key, span.events)
            self._adjoin(span.events)
        return span

    def _adjoin(self, events: list[Event]) -> None:
        """Put what was read before `recent`, as far as there is room and no hole between the two."""
        first = self.recent[0].seq if self.recent else self.head + 1
        for event in reversed(events):
            if event.seq >= first:
                continue
            size = self.recent_size + _weight(event)
            if event.seq != first - 1 or len(self.recent) >= RECENT or size > ROOM_BYTES:
                break
            self.recent.appendleft(event)
            self.recent_size = size
            first = event.seq
        self._recents.changed(self, self.recent_size)

    async def _read_newest(self, _: set[None]) -> int:
        metrics.LOG_READS.inc()
        return await in_database(eventlog.head, self.room)


def _beyond(cursor: int, events: list[Event]) -> list[Event]:
    """Those after the cursor, if the very next is among them."""
    if not events or not events[0].seq <= cursor + 1 <= events[-1].seq:
        return []
    return events[cursor + 1 - events[0].seq :]


def within(most_bytes: int, events: list[Event]) -> list[Event]:
    """The first of the events, as many as take no more bytes on the wire; one at the least."""
    size = 0
    for place, event in enumerate(events):
        size += event.size
        if place and size > most_bytes:
            return events[:place]
    return events


def _weight(event: Event) -> int:
    """Bytes that an event takes in memory: one character beyond the Latin ones makes four of each."""
    return EVENT_BYTES + sys.getsizeof(event.envelope)


def _size(events: Iterable[Event]) -> int:
    return sum(map(_weight, events))
