"""A room that everybody is in: some are named, the others counted, and every member is told the same."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from realtime import presence as presence_module
from realtime.connection import Connection, Identity, Seat
from realtime.gateway import Gateway
from realtime.hub import HubRoom
from realtime.presence import Presence
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

    def believe(self, ack: dict[str, Any]) -> None:
        self.people = {person["id"] for person in ack["presence"]}
        self.others = ack.get("others", 0)

    def _take_all(self) -> None:
        while (text := self.connection.outbox.take()) is not None:
            frame = json.loads(text)
            users = {person["id"] for person in frame["data"]["users"]}
            if frame["event"] == "presence:joined":
                self.people |= users
            else:
                self.people -= users
            self.others = frame["data"].get("others", 0)
            self.frames += 1
            assert len(self.people) <= FEW


class Place:
    """One gateway's part of one room. What it rings waits in `rung`."""

    def __init__(self, room: Room) -> None:
        hub = Gateway([KIND], version="test").hub
        self.state = hub._rooms[room.name] = HubRoom(room, asyncio.Future(loop=LOOP), hub._pages)
        self.room = room
        self.rung: list[Message] = []
        self.presence = Presence(hub, str(uuid4()), lambda group, message: self.rung.append(message))
        self.seats: dict[Seat, Member] = {}

    def join(self, user: str | None) -> Member:
        member = Member(user)
        seat = Seat(member.connection, self.room)
        self.state.seats.add(seat)
        self.presence.come(seat)
        member.believe(self.presence.here(seat))
        self.seats[seat] = member
        return member

    def leave(self, number: int) -> None:
        if self.seats:
            seat = list(self.seats)[number % len(self.seats)]
            self.state.seats.discard(seat)
            self.presence.go(seat, seat.connection.identity)
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
            place.presence._rooms[place.room.name].changed = True
        for _ in range(2):
            for place in self.both:
                place.presence.flush()
            self.carry()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "NAMED", FEW)
    monkeypatch.setattr(presence_module, "COUNT_SECONDS", 0)


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
        assert len(member.people) == min(FEW, len(everybody))
        if len(everybody) <= FEW:
            assert member.others == 0
        elif here.isdisjoint(there):
            assert member.others == len(everybody) - FEW
        else:  # who is on both may count twice
            assert len(everybody) - FEW <= member.others <= len(here) + len(there) - FEW


def test_in_a_full_room_newcomers_are_counted_now_and_then_and_not_told_to_all_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(presence_module, "COUNT_SECONDS", 3600)
    room, _ = Places().both
    first = room.join("a")
    for user in "bcd":
        room.join(user)
    room.presence.flush()
    assert (first.people, first.others, first.frames) == ({"a", "b", "c"}, 1, 1)
    for number in range(50):
        room.join(f"late {number}")
        room.presence.flush()
    assert (first.others, first.frames) == (1, 1)
    monkeypatch.setattr(presence_module, "COUNT_SECONDS", 0)
    room.presence.flush()
    assert (first.others, first.frames) == (51, 2)


def test_that_all_are_named_again_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence_module, "COUNT_SECONDS", 3600)
    room, _ = Places().both
    first = room.join("a")
    for user in "bcd":
        room.join(user)
    room.presence.flush()
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
