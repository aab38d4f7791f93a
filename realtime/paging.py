"""The pages of events that polls are answered with, at the cost of few reads however many ask.

A page ends after as many events as were asked for, or after a mebibyte of them, with one at the least.

A poll may come from somebody who has just written by way of another gateway, so its head is the database's,
never what this process has heard so far: one query for all who ask at the same moment, whatever their rooms.
The events themselves come from memory where it reaches that head, else from the log, in the same pages as for
sockets: one read for all who need the page, and of what has come since it was last read alone. Whoever was
woken by the hub has been told of the newest event by it: no query.
"""

from weakref import WeakValueDictionary

from realtime import eventlog, metrics
from realtime.batching import Batch
from realtime.database import in_database
from realtime.eventlog import Bounds, Event, Page, UnknownRoom
from realtime.history import GIVEN_BYTES, History, within
from realtime.hub import Hub
from realtime.rooms import Room


class Pager:
    """Pages after a cursor, of at most `limit` events. Its methods raise UnknownRoom and HistoryTrimmed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._bounds: Batch[str, dict[str, Bounds]] = Batch(_read_bounds)
        # Of rooms that the hub does not hear. Held by those who wait; the pages of events stay for longer.
        self._unheard: WeakValueDictionary[str, History] = WeakValueDictionary()

    async def newest(self, room: Room, cursor: int, limit: int) -> Page:
        """As the database has it, as of a moment after this call."""
        bounds = (await self._bounds.ask(room.name)).get(room.name)
        if bounds is None:
            raise UnknownRoom(room.name)
        bounds.check(cursor)
        if cursor == bounds.newest:
            return Page(cursor, [], more=False)
        last = min(bounds.newest, cursor + limit)
        return _page(await _between(self._history(room), cursor, last), bounds.newest)

    async def heard(self, room: Room, cursor: int, limit: int) -> Page:
        """As this process has heard it: for one who was level with the database, and has waited since."""
        state = self._hub.find(room.name)
        if state is None or state.head <= cursor:
            return await self.newest(room, cursor, limit)
        head = state.head
        last = min(head, cursor + limit)
        return _page(await _between(state.history, cursor, last), head)

    def _history(self, room: Room) -> History:
        state = self._hub.find(room.name)
        if state is not None:
            return state.history
        found = self._unheard.get(room.name)
        if found is None:
            found = self._unheard[room.name] = History(room, self._hub.memory)
        return found


def _page(events: list[Event], newest: int) -> Page:
    reached = events[-1].seq
    return Page(reached, events, more=reached < newest)


async def _between(history: History, cursor: int, last: int) -> list[Event]:
    """The events after the cursor, up to `last`, which is known to be there, or to GIVEN_BYTES."""
    found: list[Event] = []
    while cursor < last:
        more = [*found, *(event for event in await history.after(cursor) if event.seq <= last)]
        found = within(GIVEN_BYTES, more)
        cursor = found[-1].seq
        if len(found) < len(more):
            break
    return found


async def _read_bounds(names: set[str]) -> dict[str, Bounds]:
    metrics.LOG_READS.inc()
    return await in_database(eventlog.bounds, names)
