"""Who is in one room, and what its members have been told of that. No I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any
from weakref import ref

from realtime.connection import Identity, Seat
from realtime.hub import HubRoom
from realtime.rooms import UserId

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


class Attendance:
    """The members of one room in this process, and its people: ours by number of sockets, others' by process.

    A member is told what leads from the roll that it knows to the one that is announced.
    """

    def __init__(self, state: HubRoom | None) -> None:
        self._state = ref(state) if state is not None else None  # it holds the room's history
        self.members: dict[Seat, Identity | None] = {}  # as whom each is counted
        self.sockets: Counter[str] = Counter()
        self.ours: People = {}
        self.theirs: dict[str, Told] = {}
        self.roll = Roll({})  # as announced
        self.acquainted: dict[Seat, Roll] = {}  # members who know another roll than that
        self.signals: dict[Seat, str] = {}  # of a member's only the latest, and none of who has left
        self.called_at = float("-inf")
        self.changed = True  # the other processes are to be told
        self.asking = True  # and asked for theirs
        self.stale = True  # others may be here than were announced

    @property
    def room(self) -> HubRoom | None:
        """The room as it is heard; None once it has been let go, which is the end of this."""
        state = self._state() if self._state is not None else None
        return None if state is None or state.gone else state

    # --- members ------------------------------------------------------------------------------

    def come(self, seat: Seat) -> Roll:
        """Take a member in; the roll to tell it."""
        self.identify(seat)
        self.stale = True
        known = self.acquainted[seat] = Roll(self.named(), self.roll.others)
        return known

    def go(self, seat: Seat) -> None:
        self._uncount(seat)
        self.acquainted.pop(seat, None)

    def identify(self, seat: Seat) -> None:
        """A member is somebody else from now on; what it knows of the others stays as it is."""
        self._uncount(seat)
        self._count(seat)

    def _count(self, seat: Seat) -> None:
        identity = self.members[seat] = seat.connection.identity
        if identity is not None:
            self.sockets[identity.id] += 1
            self.ours[identity.id] = identity.wire()
            self.changed = self.stale = True

    def _uncount(self, seat: Seat) -> None:
        self.signals.pop(seat, None)
        identity = self.members.pop(seat, None)
        if identity is not None:
            self.sockets[identity.id] -= 1
            if not self.sockets[identity.id]:
                del self.sockets[identity.id], self.ours[identity.id]
                self.changed = self.stale = True

    def next_signals(self, most: int) -> list[Seat]:
        """Of whom a passing state is to be told next, the longest waiting first; of one person it is one at a
        time: who has many sockets on a public board has no larger share than anybody else.
        """
        found: dict[UserId, Seat] = {}
        for seat in self.signals:
            found.setdefault(seat.connection.user_id, seat)
            if len(found) == most:
                break
        return list(found.values())

    # --- people -------------------------------------------------------------------------------

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
        """Everybody here; who is on two gateways counts twice unless each of them names it."""
        people = set(self.ours).union(*(told.people for told in self.theirs.values()))
        return len(people) + sum(told.more for told in self.theirs.values())

    def call(self, now: float) -> Roll:
        """The roll to announce: where only the count is another, the last one for COUNT_SECONDS."""
        named, told = self.named(), self.roll.others
        others = self.count() - len(named)
        same_names = named.keys() == self.roll.people.keys()
        if same_names and others == told:
            self.stale = False
        elif same_names and others and told and now < self.called_at + COUNT_SECONDS:
            self.stale = True
        else:
            self.roll, self.called_at, self.stale = Roll(named, others), now, False
        return self.roll

    # --- other processes ----------------------------------------------------------------------

    def words(self) -> dict[str, Any]:
        """What the other processes are told of ours."""
        people = list(islice(self.ours.values(), NAMED))
        return {"people": people, "more": len(self.ours) - len(people), "asking": self.asking}

    def heard_of(self, instance: str, told: Told) -> None:
        before = self.theirs.get(instance)
        self.theirs[instance] = told
        if before is None or (before.people, before.more) != (told.people, told.more):
            self.stale = True

    def forget(self, instance: str) -> None:
        if self.theirs.pop(instance, None):
            self.stale = True

    def expire(self, now: float) -> None:
        for instance in [instance for instance, told in self.theirs.items() if told.until <= now]:
            self.forget(instance)


def _find(user: str, groups: list[People]) -> Person | None:
    return next((people[user] for people in groups if user in people), None)
