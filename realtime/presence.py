"""Who is here. Volatile: never in the log, coalesced, dropped first under load.

Each process tells the others of a room whom it holds there when that changes and every REFRESH_SECONDS; what
a process said is forgotten EXPIRY_SECONDS later, so a dead gateway's people go. However many come and go, a
member gets one `presence:joined` and one `presence:left` per flush. NAMED people of a room are named and the
others counted: a room that everybody is in costs each who joins no more than a full one.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
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
NAMED = 100
COUNT_SECONDS = 2.0  # between two frames that tell nothing but how many others are here

Person = dict[str, Any]
People = dict[str, Person]


@dataclass(frozen=True, slots=True)
class Told:
    """What another process said: some of its people, how many more it holds, and until when that counts."""

    people: People
    more: int
    until: float


@dataclass(frozen=True, slots=True)
class Roll:
    """What a member is told: people by name, and how many others are here."""

    people: People
    others: int = 0

    def since(self, known: "Roll") -> Iterator[tuple[str, list[Person]]]:
        """The frames, by event and people, that lead who knows that roll to this one."""
        came = [person for user, person in self.people.items() if user not in known.people]
        went = [person for user, person in known.people.items() if user not in self.people]
        if went or (self.others < known.others and not came):
            yield "presence:left", went
        if came or (self.others > known.others and not went):
            yield "presence:joined", came

    def wire(self, people: str, listed: Iterable[Person]) -> dict[str, Any]:
        return {people: list(listed), **({"others": self.others} if self.others else {})}


class RoomPresence:
    """The people of one room: ours by number of sockets, the others' by process."""

    def __init__(self) -> None:
        self.sockets: Counter[str] = Counter()
        self.ours: People = {}
        self.theirs: dict[str, Told] = {}
        self.roll = Roll({})  # as announced
        self.acquainted: dict[Seat, Roll] = {}  # whose ack says something newer than that
        self.signals: dict[str, str] = {}
        self.told_at = self.called_at = float("-inf")
        self.changed = True
        self.asking = True
        self.stale = True  # others may be here than were announced

    def named(self) -> People:
        """NAMED of the people here at the most; who was announced stays among them."""
        groups = [self.ours, *(told.people for told in self.theirs.values())]
        found: People = {}
        for user in chain(self.roll.people, *groups):
            if len(found) == NAMED:
                break
            if user not in found and (person := _find(user, groups)):
                found[user] = person
        return found

    def count(self) -> int:
        """Everybody here; who is on two gateways and named by neither counts twice."""
        people = set(self.ours).union(*(told.people for told in self.theirs.values()))
        return len(people) + sum(told.more for told in self.theirs.values())

    def call(self, now: float) -> Roll:
        """The roll to announce: where only the count is another, the last one for COUNT_SECONDS."""
        named, told = self.named(), self.roll.others
        others = self.count() - len(named)
        by_number_alone = named.keys() == self.roll.people.keys() and told and others not in (0, told)
        self.stale = bool(by_number_alone and now < self.called_at + COUNT_SECONDS)
        if not self.stale:
            self.roll, self.called_at = Roll(named, others), now
        return self.roll

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

    def heard_of(self, instance: str, told: Told) -> None:
        self.theirs[instance] = told
        self.stale = True

    def forget(self, instance: str) -> None:
        if self.theirs.pop(instance, None):
            self.stale = True

    def expire(self, now: float) -> None:
        for instance in [instance for instance, told in self.theirs.items() if told.until <= now]:
            self.forget(instance)


def _find(user: str, groups: list[People]) -> Person | None:
    return next((people[user] for people in groups if user in people), None)


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
        here.acquainted[seat] = Roll(here.named(), here.roll.others)
        here.stale = True

    def go(self, seat: Seat, identity: Identity | None) -> None:
        if identity is not None and seat.shown and seat.room.name in self._rooms:
            self._rooms[seat.room.name].go(identity)
        seat.shown = False

    def here(self, seat: Seat) -> dict[str, Any]:
        """What an ack says: `presence`, people by name, and `others`, how many more, unless all are named."""
        known = self._rooms[seat.room.name].acquainted[seat]
        return known.wire("presence", sorted(known.people.values(), key=lambda one: (one["name"], one["id"])))

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
        told = Told(people, int(message.get("more", 0)), time.monotonic() + EXPIRY_SECONDS)
        here.heard_of(str(message["instance"]), told)
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
                self._announce(state, here, now)
            if here.changed or now - here.told_at >= REFRESH_SECONDS:
                self._tell(name, here)
                here.told_at, here.changed, here.asking = now, False, False

    def _tell(self, name: str, here: RoomPresence) -> None:
        people = list(islice(here.ours.values(), NAMED))
        message = {"people": people, "more": len(here.ours) - len(people), "asking": here.asking}
        self._ring(
            group_name(name), {"kind": "presence", "room": name, "instance": self._instance, **message}
        )

    def _announce(self, state: HubRoom, here: RoomPresence, now: float) -> None:
        acquainted, here.acquainted = here.acquainted, {}
        before, roll = here.roll, here.call(now)
        common = self._frames(state, roll, before)
        sent: Counter[str] = Counter()
        for seat in state.seats:
            own = self._frames(state, roll, acquainted[seat]) if seat in acquainted else common
            for event, frame, ready in own:
                seat.connection.send_volatile(frame, ready)
                sent[event] += 1
        for event, count in sent.items():
            metrics.count_out(event, count)

    def _frames(self, state: HubRoom, roll: Roll, known: Roll) -> list[tuple[str, str, bytes]]:
        room = {state.room.kind.id_key: state.room.id}
        frames = [
            (event, protocol.frame(event, {**room, **roll.wire("users", people)}))
            for event, people in roll.since(known)
        ]
        return [(event, frame, wire.frame(frame)) for event, frame in frames]

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
