"""The hub, one per gateway process: which rooms it hears, up to which seq, and who gets what.

For each room with members or waiting pollers it holds one subscription to the bell and the head seq.
Events leave in seq order, each once: what comes early waits, what is missing is read from the log with one
query per room, however many members wait. A member whose queue has no room is fed from the room's history.
Once a second `check_heads` compares all heads with the database, so that no loss of the bell, of any kind,
outlives a second.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from realtime import eventlog, metrics
from realtime.background import Background
from realtime.bell import Bell
from realtime.connection import Seat, SeatState
from realtime.database import in_database
from realtime.early import Early
from realtime.eventlog import Event
from realtime.history import History, Memory
from realtime.outages import log_failure
from realtime.protocol import CloseCode
from realtime.rare_log import RareLog
from realtime.replay import Replays
from realtime.rights import Rights
from realtime.ringing import Message
from realtime.rooms import Room, group_name
from realtime.wire import frame, payload_bytes

logger = logging.getLogger(__name__)
rare_log = RareLog(logger)

FILL = 100  # events read at once to fill a hole: large ones are a few megabytes, held by each room that fills
PATIENCE_SECONDS = 0.03  # two commits may ring in the other order; only then is a hole a hole
FILL_AT_ONCE = 20  # of them are handed out together, so that the sockets' queues do not fill
LINGER_SECONDS = 10.0  # an empty room stays subscribed so long, for the poller that asks again


class HubRoom:
    """A room as this process hears it. Events up to `head` have been delivered to every live seat, but for
    those in `turn`, which leave together at the end of this turn of the loop.
    """

    def __init__(self, room: Room, opening: "asyncio.Future[None]", memory: Memory) -> None:
        self.room = room
        self.opening = opening
        self.history = History(room, memory)
        self.known = 0  # the newest seq heard of; beyond `head` it is on its way or missing
        self.seats: set[Seat] = set()
        self.waiters: set[asyncio.Future[None]] = set()
        self.early = Early()
        self.turn: list[Event] = []
        self.filling: asyncio.Task[None] | None = None
        self.authorising: asyncio.Task[None] | None = None
        self.idle_since = 0.0
        self.gone = False  # let go: nothing is heard here any more

    @property
    def head(self) -> int:
        return self.history.head

    @property
    def told(self) -> int:
        """The newest seq that has left for the live seats."""
        return self.turn[0].seq - 1 if self.turn else self.head

    @property
    def opened(self) -> bool:
        return self.head >= 0

    @property
    def idle(self) -> bool:
        return not self.seats and not self.waiters


class Hub:
    """`ejected` is called with each seat whose user may no longer read its room, once it has left."""

    def __init__(self, ejected: Callable[[Seat], None]) -> None:
        self._rooms: dict[str, HubRoom] = {}
        self.rights = Rights()
        self.memory = Memory()
        self._replays = Replays()
        self._ejected = ejected
        self._background = Background()
        self._releasing = False
        self.bell: Bell

    # --- rooms --------------------------------------------------------------------------------

    async def open(self, room: Room) -> HubRoom:
        """Hear a room: subscribe, then read the head, so that nothing falls between. Raises UnknownRoom."""
        found = self._rooms.get(room.name)
        if found is None:
            found = HubRoom(room, asyncio.get_running_loop().create_future(), self.memory)
            self._rooms[room.name] = found
            self._background.spawn(f"room {room.name}: opening", self._open(found))
        found.idle_since = time.monotonic()  # who is about to enter must find it still there
        await asyncio.shield(found.opening)
        return found

    async def _open(self, state: HubRoom) -> None:
        try:
            await self.bell.subscribe(group_name(state.room.name))
            state.history.begin(await in_database(eventlog.bounds_of, state.room))
        except Exception as failure:  # noqa: BLE001  handed on to everyone who waits for the room
            self._let_go(state)
            state.opening.set_exception(failure)
            state.opening.exception()  # marked as seen: it may be that nobody waits any more
        else:
            state.opening.set_result(None)
            self._advance(state)

    def find(self, room_name: str) -> HubRoom | None:
        return self._rooms.get(room_name)

    def rooms(self) -> list[HubRoom]:
        return list(self._rooms.values())

    # --- members ------------------------------------------------------------------------------

    def take_seat(self, state: HubRoom, seat: Seat) -> None:
        state.seats.add(seat)
        if state.gone:
            self._send_back(seat)

    def leave(self, seat: Seat) -> None:
        seat.state = SeatState.LEFT
        self._replays.stop(seat)
        state = self._rooms.get(seat.room.name)
        if state is not None and seat in state.seats:
            state.seats.discard(seat)
            state.idle_since = time.monotonic()

    def behind(self, seat: Seat) -> int:
        """How many events of its room a seat has not been given yet."""
        state = self._rooms.get(seat.room.name)
        return 0 if state is None else max(0, state.head - seat.cursor)

    async def check_cursor(self, state: HubRoom, cursor: int) -> None:
        """Raise HistoryTrimmed unless the log can continue from that cursor."""
        self._suspect(state, await state.history.check(cursor))

    def begin(self, seat: Seat) -> None:
        """The join of a seat has been answered: give it what comes behind its cursor."""
        seat.joined = True
        self._follow(seat)

    def _follow(self, seat: Seat) -> None:
        state = self._rooms.get(seat.room.name)
        if state is None or seat not in state.seats or seat.in_doubt or not seat.joined:
            return
        if seat.cursor >= state.head:
            seat.state = SeatState.LIVE
        else:
            self._replays.start(seat, state.history)

    # --- events -------------------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """Take one event message of the bell."""
        state = self._rooms.get(message["room"])
        if state is None:
            return
        event = Event(
            seq=int(message["seq"]),
            event=str(message["event"]),
            envelope=str(message["envelope"]),
            at=eventlog.from_timestamp(message["at"]),
            reauthorise=bool(message["reauthorise"]),
            committed_at=float(message.get("committed") or message["at"]),
        )
        state.known = max(state.known, event.seq)
        if event.seq == state.head + 1 and state.authorising is None:
            self._deliver(state, event)
        elif event.seq > state.head:
            state.early.put(event)
        self._advance(state)

    def _advance(self, state: HubRoom) -> None:
        """Deliver what is next in order; see to what is missing."""
        if not state.opened or state.gone:
            return
        while state.authorising is None and (event := state.early.take(state.head + 1)):
            self._deliver(state, event)
        state.early.drop_until(state.head)
        if state.authorising is None:
            self._suspect(state, state.known)

    def _deliver(self, state: HubRoom, event: Event) -> None:
        """The room is at this event now; its members get it with the others of this turn of the loop."""
        state.history.append(event)
        state.turn.append(event)
        if len(state.turn) == 1:
            asyncio.get_running_loop().call_soon(self._hand_out, state)
        if event.reauthorise and state.seats:
            self._begin_to_authorise(state)

    def _hand_out(self, state: HubRoom) -> None:
        """Give every live seat the events of this turn: a write each, whatever their number."""
        events, state.turn = state.turn, []
        if not events:
            return
        before, head = events[0].seq - 1, events[-1].seq
        ready = [frame(event.envelope) for event in events]
        frames, payload = b"".join(ready), sum(map(payload_bytes, ready))
        count, level = len(events), 0
        for seat in state.seats:
            connection = seat.connection
            if connection.stream is not None and seat.cursor == before and seat.state is SeatState.LIVE:
                connection.stream_out(frames, count, payload)
                seat.cursor = head
                level += 1
            elif seat.state is SeatState.LIVE:
                self._queue(seat, state.history, events)
        self._count(events, level)
        self._wake(state)

    def _queue(self, seat: Seat, history: History, events: list[Event]) -> None:
        """Put events into a live seat's queue; once it has no room the seat is fed from the history."""
        for event in events:
            # A seat may know more than this process has heard: it wrote by way of another gateway.
            if event.seq <= seat.cursor:
                continue
            if not seat.connection.outbox.takes_events:
                self._replays.start(seat, history)
                return
            if not seat.connection.send(event.envelope):
                return
            seat.cursor = event.seq
            metrics.count_out(event.event)

    @staticmethod
    def _count(events: list[Event], level: int) -> None:
        now = time.time()
        for event in events:
            committed_at = event.at.timestamp() if event.committed_at is None else event.committed_at
            metrics.LATENCY.observe(max(0.0, now - committed_at))
            metrics.count_out(event.event, level)

    def _wake(self, state: HubRoom) -> None:
        for waiter in state.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _suspect(self, state: HubRoom, seq: int) -> None:
        """An event up to `seq` exists that has not come: read the log, once for all."""
        state.known = max(state.known, seq)
        if seq > state.head and state.filling is None and not state.gone:
            state.filling = self._background.spawn(f"room {state.room.name}: filling", self._fill(state))

    async def _fill(self, state: HubRoom) -> None:
        try:
            await asyncio.sleep(PATIENCE_SECONDS)
            if state.head >= state.known:
                return
            metrics.GAP_FILLS.inc()
            while state.head < state.known and not state.gone:
                metrics.LOG_READS.inc()
                page = await in_database(eventlog.since, state.room, state.head, FILL)
                if not page.events:
                    return
                for place, event in enumerate(page.events, start=1):
                    await self._deliver_in_turn(state, event)
                    if place % FILL_AT_ONCE == 0:
                        await asyncio.sleep(0)
        except eventlog.HistoryTrimmed:
            self._give_up(state)
        except Exception as failure:  # noqa: BLE001  the next second tries again, whatever it was
            log_failure(f"room {state.room.name}: reading the log", failure)
        finally:
            state.filling = None

    async def _deliver_in_turn(self, state: HubRoom, event: Event) -> None:
        """Deliver what the log gave, unless the bell was quicker."""
        while state.authorising is not None:
            await asyncio.shield(state.authorising)
        if event.seq == state.head + 1:
            self._deliver(state, event)
        self._advance(state)

    def _give_up(self, state: HubRoom) -> None:
        """The log does not go on from this room's head: its members cannot go on from where they are."""
        if state.gone:
            return
        metrics.ROOMS_GIVEN_UP.inc()
        rare_log.warning("given up", "room %s: the log does not go on from %d", state.room.name, state.head)
        self._let_go(state)
        self._hand_out(state)
        for seat in list(state.seats):
            self._send_back(seat)
        self._wake(state)

    def _send_back(self, seat: Seat) -> None:
        seat.connection.close(CloseCode.RESTART, "the log no longer reaches back to you: come back")

    async def check_heads(self) -> None:
        """Compare every room's head with the database's: once a second, one query for all rooms."""
        known = {state: max(state.known, state.head) for state in self._rooms.values() if state.opened}
        if not known:
            return
        heads = await in_database(eventlog.heads, [state.room.name for state in known])
        for state, seq in known.items():
            newest = heads.get(state.room.name, -1)
            if newest < seq:  # lost: a standby was promoted, or a backup restored
                self._give_up(state)
            else:
                self._suspect(state, newest)

    def close_idle(self, now: float) -> None:
        """Let go of rooms that nobody has been in for a while."""
        for state in self.rooms():
            if state.opened and state.idle and now - state.idle_since > LINGER_SECONDS:
                self._let_go(state)

    def _let_go(self, state: HubRoom) -> None:
        """Once at the most: under its name there may be another by now."""
        if state.gone:
            return
        state.gone = True
        del self._rooms[state.room.name]
        state.history.close()
        leaving = self.bell.unsubscribe(group_name(state.room.name))
        self._background.spawn(f"room {state.room.name}: unsubscribing", leaving)

    # --- rights -------------------------------------------------------------------------------

    def doubt(self, seat: Seat) -> None:
        """Give a seat nothing until `settle` says whether its user may read the room."""
        self._replays.stop(seat)
        seat.in_doubt = True
        if seat.state is SeatState.LIVE:
            seat.state = SeatState.REPLAYING

    def settle(self, seat: Seat, may_read: bool) -> None:
        """Go on with a seat from its cursor, or put it out."""
        seat.in_doubt = False
        if may_read:
            self._follow(seat)
        elif seat.state is not SeatState.LEFT:
            self._put_out([seat])

    def _begin_to_authorise(self, state: HubRoom) -> None:
        looking = self._authorise(state)
        state.authorising = self._background.spawn(f"room {state.room.name}: authorising", looking)

    async def _authorise(self, state: HubRoom) -> None:
        """Look anew who of the members may read it; no event is delivered until that is known."""
        try:
            asked = {seat.connection.user_id for seat in state.seats}
            refused = asked - await self.rights.readers(state.room, asked)
            self._put_out([seat for seat in state.seats if seat.connection.user_id in refused])
        finally:
            state.authorising = None  # whatever happened: else the room would be deaf for good
        self._advance(state)

    def _put_out(self, seats: list[Seat]) -> None:
        for seat in seats:
            self.leave(seat)
            try:
                self._ejected(seat)
            except Exception:  # it is out; the others must not stay in because it was not told
                logger.exception("room %s: a member was put out and not told", seat.room.name)

    # --- pollers ------------------------------------------------------------------------------

    async def wait_beyond(self, room: Room, cursor: int, seconds: float) -> bool:
        """Wait for an event after `cursor`; False when none came in time. Raises UnknownRoom.

        True also where the room was let go meanwhile: then the log alone can tell.
        """
        state = await self.open(room)
        deadline = time.monotonic() + seconds
        while state.head <= cursor and not state.gone and not self._releasing:
            waiter = asyncio.get_running_loop().create_future()
            state.waiters.add(waiter)
            metrics.POLLERS.inc()
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await waiter
            except TimeoutError:
                break
            finally:
                metrics.POLLERS.dec()
                state.waiters.discard(waiter)
                state.idle_since = time.monotonic()
        return state.gone or state.head > cursor

    def release_pollers(self) -> None:
        """Let every poller go with what there is, and hold none any more: this process stops."""
        self._releasing = True
        for state in self.rooms():
            self._wake(state)
