"""Who is here. Volatile: never in the log, coalesced, dropped first under load.

Each process tells the others of a room whom it holds there, as a whole, when that changes and every
REFRESH_SECONDS; what a process said is forgotten EXPIRY_SECONDS later, so a dead gateway's people go.
However many come and go, a member gets one `presence:joined` and one `presence:left` per flush.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from realtime import metrics, protocol, wire
from realtime.connection import Identity, Seat
from realtime.hub import Hub, HubRoom
from realtime.ringing import Message
from realtime.rooms import group_name

REFRESH_SECONDS = 10.0
EXPIRY_SECONDS = 30.0
FLUSH_SECONDS = 0.2
SIGNALS_PER_FLUSH = 20

Person = dict[str, Any]
People = dict[str, Person]


class RoomPresence:
    """The people of one room: ours by number of sockets, the others' by process."""

    def __init__(self) -> None:
        self.sockets: Counter[str] = Counter()
        self.ours: People = {}
        self.theirs: dict[str, tuple[float, People]] = {}
        self.announced: People = {}
        self.acquainted: dict[Seat, set[str]] = {}
        self.signals: dict[str, str] = {}
        self.told_at = float("-inf")
        self.changed = True
        self.asking = True
        self.stale = True  # others may be here than were announced

    def everybody(self) -> People:
        people: People = {}
        for _, group in self.theirs.values():
            people.update(group)
        return {**people, **self.ours}

    def come(self, identity: Identity) -> None:
        self.sockets[identity.id] += 1
        self.ours[identity.id] = identity.wire()
        self.changed = self.stale = True

    def go(self, identity: Identity) -> None:
        self.sockets[identity.id] -= 1
        if self.sockets[identity.id] <= 0:
            del self.sockets[identity.id]
            self.ours.pop(identity.id, None)
            self.changed = self.stale = True

    def heard_of(self, instance: str, people: People, until: float) -> None:
        self.theirs[instance] = (until, people)
        self.stale = True

    def forget(self, instance: str) -> None:
        if self.theirs.pop(instance, None):
            self.stale = True

    def expire(self, now: float) -> None:
        for instance in [instance for instance, (until, _) in self.theirs.items() if until <= now]:
            self.forget(instance)


class Presence:
    """The process's presence; `ring` publishes a message to a group."""

    def __init__(self, hub: Hub, instance: str, ring: Callable[[str, Message], None]) -> None:
        self._hub = hub
        self._instance = instance
        self._ring = ring
        self._rooms: defaultdict[str, RoomPresence] = defaultdict(RoomPresence)

    def come(self, seat: Seat) -> None:
        here = self._rooms[seat.room.name]
        if seat.connection.identity is not None:
            seat.shown = True
            here.come(seat.connection.identity)
        here.acquainted[seat] = set(here.everybody())  # as its ack says
        here.stale = True

    def go(self, seat: Seat, identity: Identity | None) -> None:
        if identity is not None and seat.shown and seat.room.name in self._rooms:
            self._rooms[seat.room.name].go(identity)
        seat.shown = False

    def here(self, room_name: str) -> list[Person]:
        """The people of a room, by name."""
        if room_name not in self._rooms:
            return []
        return sorted(self._rooms[room_name].everybody().values(), key=lambda p: (p["name"], p["id"]))

    def signal(self, seat: Seat, state: Any) -> None:
        """Let the room see a member's passing state; of one socket only the latest counts."""
        identity = seat.connection.identity
        data = {
            seat.room.kind.id_key: seat.room.id,
            "connectionId": seat.connection.id,
            "user": identity.wire() if identity else None,
            "state": state,
        }
        self._rooms[seat.room.name].signals[seat.connection.id] = protocol.frame("presence:updated", data)

    def hear(self, message: Message) -> None:
        """Take another process's word on a room."""
        if message["instance"] == self._instance or message["room"] not in self._rooms:
            return
        here = self._rooms[message["room"]]
        if message["kind"] == "signals":
            state = self._hub.find(message["room"])
            if state is not None:
                for frame in message["frames"][:SIGNALS_PER_FLUSH]:
                    self._send(state, str(frame), "presence:updated")
            return
        people = {str(person["id"]): dict(person) for person in message["people"]}
        here.heard_of(str(message["instance"]), people, time.monotonic() + EXPIRY_SECONDS)
        if message["asking"]:
            here.told_at = float("-inf")

    def forget(self, instance: str) -> None:
        """Another process is dead, and its people with it."""
        for here in self._rooms.values():
            here.forget(instance)

    def flush(self) -> None:
        """Say what changed, to our members and to the other processes: every FLUSH_SECONDS."""
        now = time.monotonic()
        for name in list(self._rooms):
            state = self._hub.find(name)
            if state is None:
                del self._rooms[name]
                continue
            here = self._rooms[name]
            here.expire(now)
            self._flush_signals(state, here)
            if here.stale:
                self._announce(state, here)
            if here.changed or now - here.told_at >= REFRESH_SECONDS:
                self._tell(name, here)
                here.told_at, here.changed, here.asking = now, False, False

    def _tell(self, name: str, here: RoomPresence) -> None:
        message = {"people": list(here.ours.values()), "asking": here.asking}
        self._ring(
            group_name(name), {"kind": "presence", "room": name, "instance": self._instance, **message}
        )

    def _announce(self, state: HubRoom, here: RoomPresence) -> None:
        now = here.everybody()
        came = [person for user, person in now.items() if user not in here.announced]
        went = [person for user, person in here.announced.items() if user not in now]
        here.announced, here.stale = now, False
        acquainted, here.acquainted = here.acquainted, {}
        if came:
            frame = self._frame(state, "presence:joined", came)
            ready = wire.frame(frame)
            for seat in state.seats:
                if seat not in acquainted:
                    seat.connection.send_volatile(frame, ready)
                elif new := [person for person in came if person["id"] not in acquainted[seat]]:
                    own = self._frame(state, "presence:joined", new)
                    seat.connection.send_volatile(own, wire.frame(own))
            metrics.count_out("presence:joined", len(state.seats))
        if went:
            self._send(state, self._frame(state, "presence:left", went), "presence:left")

    def _frame(self, state: HubRoom, event: str, people: list[Person]) -> str:
        return protocol.frame(event, {state.room.kind.id_key: state.room.id, "users": people})

    def _flush_signals(self, state: HubRoom, here: RoomPresence) -> None:
        if not here.signals:
            return
        frames = [here.signals.pop(key) for key in list(here.signals)[:SIGNALS_PER_FLUSH]]
        for frame in frames:
            self._send(state, frame, "presence:updated")
        message = {"kind": "signals", "room": state.room.name, "instance": self._instance, "frames": frames}
        self._ring(group_name(state.room.name), message)

    def _send(self, state: HubRoom, frame: str, event: str) -> None:
        ready = wire.frame(frame)
        for seat in state.seats:
            seat.connection.send_volatile(frame, ready)
        metrics.count_out(event, len(state.seats))
