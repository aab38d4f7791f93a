"""Feeds the members that are behind their room's head, each from its cursor and no faster than it reads.

Behind is who joined with `since`, and whoever had no room in its queue when an event was handed out: a burst
of ours costs a reader nothing, since what does not fit waits in the room's history and not in its queue.
"""

import asyncio

from realtime import metrics
from realtime.connection import Outbox, Seat, SeatState
from realtime.history import History
from realtime.outages import log_failure
from realtime.protocol import CloseCode

STALL_SECONDS = 3.0  # who takes not one frame for so long, its queue being full, does not read


class Replays:
    """The replays under way in this process, one for each seat that is behind."""

    def __init__(self) -> None:
        self._running: dict[Seat, asyncio.Task[None]] = {}

    def start(self, seat: Seat, history: History) -> None:
        """Feed a seat until it is level with the room's head, and then let it be live."""
        seat.state = SeatState.REPLAYING
        self._running[seat] = asyncio.create_task(self._run(seat, history))

    def stop(self, seat: Seat) -> None:
        """Feed a seat no more, where it was fed at all."""
        task = self._running.pop(seat, None)
        if task is not None:
            task.cancel()

    async def _run(self, seat: Seat, history: History) -> None:
        try:
            await _feed(seat, history)
        except Exception as failure:  # noqa: BLE001  whatever it was
            # Half a replay is a hole: let the client come back with its cursor.
            log_failure(f"room {seat.room.name}: a replay", failure)
            seat.connection.close(CloseCode.RESTART, "the log cannot be read now: come back with since")
        finally:
            self._running.pop(seat, None)  # in the turn in which it went live: it may fall behind in the next


async def _feed(seat: Seat, history: History) -> None:
    connection = seat.connection
    while seat.state is SeatState.REPLAYING:
        if seat.cursor >= history.head:
            seat.state = SeatState.LIVE  # in the same turn of the loop as the comparison: no hole
            return
        if not await _has_room(connection.outbox):
            connection.cut_off()
            return
        for event in await history.after(seat.cursor):
            if event.seq > history.head or seat.state is not SeatState.REPLAYING:
                break
            # Read again rather than kept until there is room: slow readers would keep a page each.
            if not connection.outbox.takes_events:
                break
            if not connection.send(event.envelope):
                return  # it is closing
            seat.cursor = event.seq
            metrics.count_out(event.event)


async def _has_room(outbox: Outbox) -> bool:
    """Wait until there is room for events; False when STALL_SECONDS went by without one frame taken."""
    room = asyncio.Event()
    outbox.when_roomy(room.set)
    while not room.is_set():
        taken = outbox.taken
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await room.wait()
        except TimeoutError:
            if outbox.taken == taken:
                return False
    return True
