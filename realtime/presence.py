"""Who is here. Volatile: never in the log, coalesced, dropped first under load.

Each process tells the others of a room whom it holds there when that changes, and again after a while: lost
words are made good so, and what a process has long not said again is forgotten, so a dead gateway's people
go. However many come and go, a member gets one `presence:left` and one `presence:joined` per flush. NAMED
people of a room are named and the others counted: a room that everybody is in costs each who joins no more
than a full one. A room in which nothing happens costs its word again, to be said and heard.
"""

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from realtime import metrics, protocol, wire
from realtime.attendance import NAMED, Attendance, Person, Roll, Told
from realtime.connection import Seat
from realtime.hub import Hub, HubRoom
from realtime.outages import log_failure
from realtime.ringing import Message
from realtime.rooms import group_name

FLUSH_SECONDS = 0.2
REFRESH_SECONDS = 10.0
REFRESHED_PER_FLUSH = 20  # rooms told of again: with more than a thousand the turn of each comes later
MISSED_TURNS = 3  # after so many a process's word on a room is forgotten
SIGNALS_PER_FLUSH = 20


class Presence:
    """The process's presence; `ring` publishes a message to a group."""

    def __init__(self, hub: Hub, instance: str, ring: Callable[[str, Message], None]) -> None:
        self._hub = hub
        self._instance = instance
        self._ring = ring
        self._rooms: dict[str, Attendance] = {}
        self._turns: deque[tuple[float, str]] = deque()  # each room once: from when on it is told of again
        self._restless: set[str] = set()  # rooms in which there may be something to say
        self._flushed_at = time.monotonic()
        self._pace = FLUSH_SECONDS

    # --- members ------------------------------------------------------------------------------

    def come(self, seat: Seat) -> dict[str, Any]:
        """Take a member in. For its ack: `presence`, people by name; `others`, how many more, if any."""
        roll = self._attendance(seat).come(seat)
        return roll.wire("presence", sorted(roll.people.values(), key=lambda one: (one["name"], one["id"])))

    def go(self, seat: Seat) -> None:
        if (here := self._where(seat)) is not None:
            here.go(seat)

    def identify(self, seat: Seat) -> None:
        """The seat's socket is another user's from now on."""
        if (here := self._where(seat)) is not None:
            here.identify(seat)

    def signal(self, seat: Seat, state: Any) -> None:
        """Let the room see a member's passing state; of one socket only the latest counts."""
        here, identity = self._where(seat), seat.connection.identity
        if here is None:
            return
        data = {
            seat.room.kind.id_key: seat.room.id,
            "connectionId": seat.connection.id,
            "user": identity.wire() if identity else None,
            "state": state,
        }
        here.signals[seat] = protocol.frame("presence:updated", data)

    def _where(self, seat: Seat) -> Attendance | None:
        """Where the seat is a member and something is about to happen; None where it never came."""
        here = self._rooms.get(seat.room.name)
        if here is None or seat not in here.members:
            return None
        self._restless.add(seat.room.name)
        return here

    def _attendance(self, seat: Seat) -> Attendance:
        """Of the seat's room, made where there is none; something is about to happen there."""
        name, state = seat.room.name, self._hub.find(seat.room.name)
        found = self._rooms.get(name)
        if found is None:
            self._turns.append((time.monotonic() + self._period, name))
        if found is None or found.room is not state:  # let go since, and opened again
            found = self._rooms[name] = Attendance(state)
        self._restless.add(name)
        return found

    # --- other processes ----------------------------------------------------------------------

    def hear(self, message: Message) -> None:
        """Take another process's word on a room."""
        here = self._rooms.get(message["room"])
        if message["instance"] == self._instance or here is None or here.room is None:
            return
        if message["kind"] == "signals":
            for frame in message["frames"][:SIGNALS_PER_FLUSH]:
                self._send(here, str(frame), "presence:updated")
            return
        people = {str(person["id"]): dict(person) for person in message["people"][:NAMED]}
        period = float(message.get("period", REFRESH_SECONDS))
        told = Told(people, int(message.get("more", 0)), time.monotonic() + MISSED_TURNS * period)
        here.heard_of(str(message["instance"]), told)
        here.changed |= bool(message["asking"])
        self._restless.add(message["room"])

    def forget(self, instance: str) -> None:
        """Another process has ended, and its people with it."""
        for name, here in self._rooms.items():
            if instance in here.theirs:
                here.forget(instance)
                self._restless.add(name)

    # --- now and then -------------------------------------------------------------------------

    def flush(self) -> None:
        """Say what changed, to our members and to the other processes: every FLUSH_SECONDS."""
        now = time.monotonic()
        self._pace = max(FLUSH_SECONDS, now - self._flushed_at, 0.9 * self._pace)
        self._flushed_at = now
        self._take_turns(now)
        for name in list(self._restless):
            self._restless.discard(name)
            try:
                self._speak(name, self._rooms.get(name), now)
            except Exception as failure:  # noqa: BLE001  the other rooms are to be told all the same
                log_failure(f"room {name}: telling who is here", failure)

    @property
    def _period(self) -> float:
        """Seconds after which a room is told of again, at the pace of late."""
        return max(REFRESH_SECONDS, len(self._rooms) / REFRESHED_PER_FLUSH * self._pace)

    def _take_turns(self, now: float) -> None:
        """See to the rooms of which nothing was said for longest."""
        for _ in range(REFRESHED_PER_FLUSH):
            if not self._turns or self._turns[0][0] > now:
                return
            _, name = self._turns.popleft()
            here = self._rooms[name]
            if here.room is None:
                self._tell(name, here)  # that nobody is here any more: it may not have been heard
                del self._rooms[name]
            else:
                here.expire(now)
                here.changed = True
                self._turns.append((now + self._period, name))
                self._restless.add(name)

    def _speak(self, name: str, here: Attendance | None, now: float) -> None:
        if here is None or here.room is None:
            return
        self._flush_signals(here.room, here)
        if here.stale:
            self._announce(here.room, here, now)
        if here.changed:
            self._tell(name, here)
        if here.stale or here.signals:
            self._restless.add(name)

    def _tell(self, name: str, here: Attendance) -> None:
        about = {"kind": "presence", "room": name, "instance": self._instance, "period": self._period}
        self._ring(group_name(name), {**about, **here.words()})
        here.changed = here.asking = False

    def _announce(self, state: HubRoom, here: Attendance, now: float) -> None:
        acquainted, here.acquainted = here.acquainted, {}
        before, roll = here.roll, here.call(now)
        common = self._frames(state, roll, before)
        sent: Counter[str] = Counter()
        for seat in here.members:
            known = acquainted.get(seat, before)
            for event, frame, ready in common if known is before else self._frames(state, roll, known):
                if seat.connection.send_volatile(frame, ready):
                    sent[event] += 1
                else:  # told once its queue has room
                    here.acquainted[seat] = known
        here.stale |= bool(here.acquainted)
        for event, count in sent.items():
            metrics.count_out(event, count)

    def _frames(self, state: HubRoom, roll: Roll, known: Roll) -> list[tuple[str, str, bytes]]:
        frames = [(event, self._frame(state, event, roll, people)) for event, people in roll.since(known)]
        return [(event, frame, wire.frame(frame)) for event, frame in frames]

    def _frame(self, state: HubRoom, event: str, roll: Roll, people: list[Person]) -> str:
        return protocol.frame(event, {state.room.kind.id_key: state.room.id, **roll.wire("users", people)})

    def _flush_signals(self, state: HubRoom, here: Attendance) -> None:
        if not here.signals:
            return
        frames = [here.signals.pop(seat) for seat in here.next_signals(SIGNALS_PER_FLUSH)]
        for frame in frames:
            self._send(here, frame, "presence:updated")
        message = {"kind": "signals", "room": state.room.name, "instance": self._instance, "frames": frames}
        self._ring(group_name(state.room.name), message)

    def _send(self, here: Attendance, frame: str, event: str) -> None:
        ready = wire.frame(frame)
        metrics.count_out(event, sum(seat.connection.send_volatile(frame, ready) for seat in here.members))
