"""Presence: who is here, on every gateway, cheaply, and never at the cost of an event."""

from typing import Any

import pytest

from realtime.attendance import NAMED
from tests.support.boards import Board
from tests.support.people import EDITOR, OWNER, VIEWER, Person
from tests.support.sockets import Frame, Socket
from tests.support.stack import Stack


def names(people: list[dict[str, Any]]) -> set[str]:
    return {person["username"] for person in people}


def coming(socket: Socket, person: Person, event: str = "presence:joined") -> Frame:
    return socket.wait_for(
        lambda frame: frame["event"] == event and person.username in names(frame["data"]["users"])
    )


def test_who_comes_and_goes_is_told_to_the_room_on_both_gateways(stack: Stack, board: Board) -> None:
    here, there = stack.socket(VIEWER, stack.first), stack.socket(OWNER, stack.second)
    here.join(board.id)
    there.join(board.id)
    assert coming(here, OWNER)["data"]["projectId"] == board.id
    visitor = stack.socket(EDITOR, stack.second)
    visitor.join(board.id)
    for socket in (here, there):
        coming(socket, EDITOR)
    visitor.close()
    for socket in (here, there):
        coming(socket, EDITOR, "presence:left")


def test_who_joins_learns_of_people_on_the_other_gateway(stack: Stack, board: Board) -> None:
    first = stack.socket(VIEWER, stack.first)
    first.join(board.id)
    second = stack.socket(EDITOR, stack.second)
    joined = second.join(board.id)
    if VIEWER.username not in names(joined["presence"]):
        coming(second, VIEWER)
    third = stack.socket(OWNER, stack.second)
    assert {VIEWER.username, EDITOR.username} <= names(third.join(board.id)["presence"])


def test_a_person_with_two_windows_comes_once_and_goes_with_the_last(stack: Stack, board: Board) -> None:
    watching = stack.socket(OWNER, stack.first)
    watching.join(board.id)
    windows = [stack.socket(EDITOR, stack.second) for _ in range(2)]
    for window in windows:
        window.join(board.id)
    coming(watching, EDITOR)
    windows[0].close()
    visitor = stack.socket(VIEWER, stack.second)
    visitor.join(board.id)
    coming(watching, VIEWER)
    assert not [frame for frame in watching.frames if frame["event"] == "presence:left"]
    windows[1].close()
    coming(watching, EDITOR, "presence:left")


def test_of_a_crowd_a_hundred_are_named_and_the_others_counted(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    watching = [stack.socket(None, gateway) for gateway in stack.gateways]
    for socket in watching:
        socket.join(public.id)
    for number, token in enumerate(stack.crowd(NAMED + 20)):
        gateway = stack.gateways[number % len(stack.gateways)]
        joined = stack.socket_with(token, gateway).join(public.id)
    assert len(joined["presence"]) == NAMED
    for socket in watching:
        socket.wait_for(
            lambda frame: frame["event"] == "presence:joined" and frame["data"].get("others") == 20
        )
        told = [frame["data"]["users"] for frame in socket.frames if frame["event"] == "presence:joined"]
        assert len({person["id"] for users in told for person in users}) == NAMED


def test_guests_are_counted_as_nobody(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    guest = stack.socket(None)
    assert guest.join(public.id)["presence"] == []
    answer = guest.request("presence:update", {"projectId": public.id, "state": {"x": 1}})
    assert answer["data"]["code"] == "forbidden"


def test_who_authenticates_in_a_room_is_known_by_name_from_then_on(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    watching, guest = stack.socket(VIEWER, stack.first), stack.socket(None)
    for socket in (watching, guest):
        socket.join(public.id)
    for person in (OWNER, EDITOR):
        assert guest.request("auth", {"token": stack.token(person)})["event"] == "ack"
        for socket in (watching, guest):
            coming(socket, person)
    for socket in (watching, guest):
        coming(socket, OWNER, "presence:left")


def test_a_passing_state_reaches_the_room_and_never_the_log(stack: Stack, board: Board) -> None:
    sender, others = stack.socket(EDITOR, stack.first), [stack.socket(VIEWER, g) for g in stack.gateways]
    for socket in (sender, *others):
        socket.join(board.id)
    head = board.seq
    answer = sender.request("presence:update", {"projectId": board.id, "state": {"dragging": "é"}})
    assert answer["data"] == {"projectId": board.id}
    for socket in others:
        heard = socket.wait_for("presence:updated")
        assert "seq" not in heard
        assert heard["data"]["projectId"] == board.id
        assert heard["data"]["user"]["username"] == EDITOR.username
        assert heard["data"]["state"] == {"dragging": "é"}
        assert heard["data"]["connectionId"] == sender.frames[0]["data"]["connectionId"]
    assert board.seq == head


def test_of_many_states_in_a_row_the_last_is_heard(stack: Stack, board: Board) -> None:
    """A mouse sends a hundred a second; the room hears a few."""
    sender, other = stack.socket(EDITOR, stack.first), stack.socket(VIEWER, stack.second)
    for socket in (sender, other):
        socket.join(board.id)
    for number in range(200):
        sender.send("presence:update", {"projectId": board.id, "state": number})
    other.wait_for(lambda frame: frame["event"] == "presence:updated" and frame["data"]["state"] == 199)
    assert sum(frame["event"] == "presence:updated" for frame in other.frames) < 50


@pytest.mark.parametrize(
    "state, code",
    [
        ("x" * 1022, None),
        ("x" * 1023, "too-large"),
        ("é" * 512, "too-large"),
        (None, None),
        (2**63 - 1, None),
        ([[[]]], None),
    ],
    ids=["1024 bytes", "1025 bytes", "bytes and not characters", "null", "a large number", "lists"],
)
def test_a_state_is_held_to_a_kilobyte(stack: Stack, board: Board, state: object, code: str | None) -> None:
    socket = stack.socket(EDITOR)
    socket.join(board.id)
    answer = socket.request("presence:update", {"projectId": board.id, "state": state})
    assert answer["data"].get("code") == code


def test_a_state_too_deep_to_pass_on_is_refused_and_nothing_fails(stack: Stack, board: Board) -> None:
    socket = stack.socket(EDITOR)
    socket.join(board.id)
    deep = "[" * 400 + "]" * 400
    socket.send_raw(
        f'{{"id":"deep","event":"presence:update","data":{{"projectId":"{board.id}","state":{deep}}}}}'
    )
    answer = socket.wait_for(lambda frame: frame.get("id") == "deep")
    assert answer["data"]["code"] in {"too-large", "bad-frame"}


@pytest.mark.parametrize(
    "data, code",
    [
        ({"state": 1}, "bad-frame"),
        ({"projectId": 7, "state": 1}, "bad-frame"),
        ({"projectId": "elsewhere", "state": 1}, "not-joined"),
    ],
    ids=["no room", "a number for a room", "a room not joined"],
)
def test_only_a_member_in_the_room_has_a_state_there(
    stack: Stack, board: Board, data: dict[str, Any], code: str
) -> None:
    socket = stack.socket(EDITOR)
    assert socket.request("presence:update", data)["data"]["code"] == code
    answer = socket.request("presence:update", {"projectId": board.id, "state": 1})
    assert answer["data"]["code"] == "not-joined"
