"""A room that everybody is in: some are named, the others counted, and every member is told the same."""

import asyncio
import json
from collections import deque
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime import attendance as attendance_module
from realtime import presence as presence_module
from realtime import protocol
from realtime.connection import QUEUE_FRAMES, Connection, Identity, Seat
from realtime.gateway import Gateway
from realtime.hub import HubRoom
from realtime.presence import FLUSH_SECONDS, REFRESH_SECONDS, REFRESHED_PER_FLUSH, Presence
from realtime.ringing import Message
from realtime.rooms import Room, RoomKind

FEW = 3
LOOP = asyncio.new_event_loop()  # nothing runs on it: presence is flushed by hand
KIND = RoomKind("board", "boardId", frozenset({"note:written"}), lambda room_id, users: set(users))


class Member:
    """A client that believes its ack and each frame after it."""

    def __init__(self, user: str | None) -> None:
        identity = Identity(user, user, user) if user else None
        self.connection = Connection(str(uuid4()), "127.0.0.1", "", 0.0, self._take_all, identity)
        self.people: set[str] = set()
        self.others = 0
        self.frames = 0
        self.most_named = 0
        self.reads = True

    def believe(self, ack: dict[str, Any]) -> None:
        self.people = {person["id"] for person in ack["presence"]}
        self.others = ack.get("others", 0)

    def _take_all(self) -> None:
        while self.reads and (text := self.connection.outbox.take()) is not None:
            frame = json.loads(text)
            users = {person["id"] for person in frame["data"]["users"]}
            if frame["event"] == "presence:joined":
                self.people |= users
            else:
                self.people -= users
            self.others = frame["data"].get("others", 0)
            self.frames += 1
            self.most_named = max(self.most_named, len(self.people))


class Place:
    """One gateway's part of one room. What it rings waits in `rung`."""

    def __init__(self, room: Room) -> None:
        self.hub = Gateway([KIND], version="test").hub
        self.room = room
        self.rung: list[Message] = []
        self.presence = Presence(self.hub, str(uuid4()), lambda group, message: self.rung.append(message))
        self.seats: dict[Seat, Member] = {}
        self.open(room)

    def open(self, room: Room) -> None:
        self.state = self.hub._rooms[room.name] = HubRoom(room, asyncio.Future(loop=LOOP), self.hub.memory)

    def let_go(self) -> None:
        self.state.gone = True
        del self.hub._rooms[self.room.name]
        self.seats.clear()

    def join(self, user: str | None) -> Member:
        member = Member(user)
        seat = Seat(member.connection, self.room)
        self.state.seats.add(seat)
        member.believe(self.presence.come(seat))
        self.seats[seat] = member
        return member

    def leave(self, number: int) -> None:
        if self.seats:
            seat = list(self.seats)[number % len(self.seats)]
            self.state.seats.discard(seat)
            self.presence.go(seat)
            del self.seats[seat]

    def users(self) -> set[str]:
        return {seat.connection.identity.id for seat in self.seats if seat.connection.identity}


class Places:
    """The room on two gateways, over a bell that may lose what is rung."""

    def __init__(self) -> None:
        room = Room(KIND, str(uuid4()))
        self.both = Place(room), Place(room)

    def carry(self) -> None:
        for here, there in (self.both, self.both[::-1]):
            for message in here.rung:
                there.presence.hear(json.loads(json.dumps(message)))
            here.rung.clear()

    def lose(self) -> None:
        for place in self.both:
            place.rung.clear()

    def settle(self) -> None:
        """What was lost is told again with the next refresh."""
        for place in self.both:
            place.presence._turns = deque((0.0, name) for name in place.presence._rooms)
        for _ in range(2):
            for place in self.both:
                place.presence.flush()
            self.carry()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance_module, "NAMED", FEW)
    monkeypatch.setattr(attendance_module, "COUNT_SECONDS", 0)


which = st.integers(0, 1)
steps = st.one_of(
    st.tuples(st.just("join"), which, st.sampled_from([*"abcde", None])),
    st.tuples(st.just("leave"), which, st.integers(0, 5)),
    st.tuples(st.just("flush"), which),
    st.tuples(st.sampled_from(["carry", "lose"])),
)


@settings(max_examples=500)
@example(story=[("join", 0, user) for user in "abcd"] + [("join", 1, "e")])
@given(story=st.lists(steps, min_size=5, max_size=40))
def test_every_member_ends_up_knowing_who_is_here(story: list[tuple[Any, ...]]) -> None:
    room = Places()
    for verb, *arguments in story:
        match verb, arguments:
            case "join", [place, user]:
                room.both[place].join(user)
            case "leave", [place, number]:
                room.both[place].leave(number)
            case "flush", [place]:
                room.both[place].presence.flush()
            case "carry", []:
                room.carry()
            case "lose", []:
                room.lose()
    room.settle()
    here, there = (place.users() for place in room.both)
    everybody = here | there
    for member in [member for place in room.both for member in place.seats.values()]:
        assert member.people <= everybody
        assert member.most_named <= FEW
        assert len(member.people) == min(FEW, len(everybody))
        if len(everybody) <= FEW:
            assert member.others == 0
        elif here.isdisjoint(there):
            assert member.others == len(everybody) - FEW
        else:  # who is on both may count twice
            assert len(everybody) - FEW <= member.others <= len(here) + len(there) - FEW


def with_one_too_many() -> tuple[Place, Member]:
    """A room of a, b, c and d, of whom three are named, and a's client."""
    room, _ = Places().both
    first = room.join("a")
    for user in "bcd":
        room.join(user)
    room.presence.flush()
    return room, first


def test_in_a_full_room_newcomers_are_counted_now_and_then_and_not_told_to_all_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attendance_module, "COUNT_SECONDS", 3600)
    room, first = with_one_too_many()
    assert (first.people, first.others, first.frames) == ({"a", "b", "c"}, 1, 1)
    for number in range(50):
        room.join(f"late {number}")
        room.presence.flush()
    assert (first.others, first.frames) == (1, 1)
    monkeypatch.setattr(attendance_module, "COUNT_SECONDS", 0)
    room.presence.flush()
    assert (first.others, first.frames) == (51, 2)


def test_that_all_are_named_again_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attendance_module, "COUNT_SECONDS", 3600)
    room, first = with_one_too_many()
    room.leave(3)
    room.presence.flush()
    assert (first.people, first.others) == ({"a", "b", "c"}, 0)


def test_who_is_named_stays_so_and_leaves_the_place_to_another() -> None:
    rooms = Places()
    here, there = rooms.both
    for user in "abc":
        there.join(user)
    watching = here.join(None)
    rooms.settle()
    here.join("d")
    rooms.settle()
    assert (watching.people, watching.others, watching.frames) == ({"a", "b", "c"}, 1, 2)
    there.leave(0)
    rooms.settle()
    assert (watching.people, watching.others) == ({"b", "c", "d"}, 0)


class Clock:
    """Time as presence sees it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(presence_module, "time", made)
    return made


def test_what_a_process_does_not_say_again_is_forgotten(clock: Clock) -> None:
    rooms = Places()
    here, there = rooms.both
    there.join("a")
    watching = here.join(None)
    rooms.settle()
    assert watching.people == {"a"}
    for _ in range(6):  # it goes on saying it
        clock.now += REFRESH_SECONDS
        there.presence.flush()
        rooms.carry()
        here.presence.flush()
    assert watching.people == {"a"}
    for _ in range(4):
        clock.now += REFRESH_SECONDS
        here.presence.flush()
    assert watching.people == set()


def test_that_the_last_one_left_is_said_again_where_it_was_not_heard(clock: Clock) -> None:
    rooms = Places()
    here, there = rooms.both
    here.join("a")
    watching = there.join(None)
    rooms.settle()
    here.leave(0)
    here.presence.flush()
    rooms.lose()
    here.let_go()
    clock.now += REFRESH_SECONDS
    here.presence.flush()
    rooms.carry()
    there.presence.flush()
    assert watching.people == set()


def test_whose_queue_was_too_full_is_told_later() -> None:
    room, _ = Places().both
    slow = room.join("a")
    room.presence.flush()
    slow.reads = False
    for _ in range(QUEUE_FRAMES // 4):
        slow.connection.send(protocol.frame("presence:left", {"users": []}))
    room.join("b")
    room.presence.flush()
    slow.reads = True
    slow.connection.wake()
    assert slow.people == {"a"}
    room.presence.flush()
    assert slow.people == {"a", "b"}


def test_who_becomes_somebody_else_is_told_what_the_others_are() -> None:
    room, _ = Places().both
    guest = room.join(None)
    other = room.join("a")
    room.presence.flush()
    (seat,) = [seat for seat, member in room.seats.items() if member is guest]
    guest.connection.identity = Identity("b", "b", "b")
    room.presence.identify(seat)
    room.presence.flush()
    assert guest.people == other.people == {"a", "b"}
    guest.connection.identity = Identity("c", "c", "c")
    room.presence.identify(seat)
    room.presence.flush()
    assert guest.people == other.people == {"a", "c"}


def test_a_room_that_was_let_go_is_entered_anew() -> None:
    """Nothing was heard of it meanwhile."""
    rooms = Places()
    here, there = rooms.both
    here.join("a")
    there.join("b")
    rooms.settle()
    here.let_go()
    there.leave(0)
    there.presence.flush()
    rooms.lose()
    here.open(here.room)
    assert here.join("c").people == {"c"}


def test_rooms_in_which_nothing_happens_are_told_of_a_few_at_a_time(clock: Clock) -> None:
    here, _ = Places().both
    presence, rooms = here.presence, 50 * REFRESHED_PER_FLUSH * 2
    for number in range(rooms):
        here.room = Room(KIND, str(number))
        here.open(here.room)
        here.join(f"user {number}")
    presence.flush()
    assert len(here.rung) == rooms
    period = here.rung[-1]["period"]
    here.rung.clear()
    told = set()
    for _ in range(round(2 * period / FLUSH_SECONDS)):
        clock.now += FLUSH_SECONDS
        presence.flush()
        assert len(here.rung) <= REFRESHED_PER_FLUSH
        told |= {message["room"] for message in here.rung}
        here.rung.clear()
    assert len(told) == rooms
    assert period == 2 * REFRESH_SECONDS
