"""Rooms over real sockets, on one gateway and across two: nothing missed, doubled or disordered."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.support.api import answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OUTSIDER, OWNER, VIEWER
from tests.support.sockets import Frame, Socket
from tests.support.stack import Stack


def error_of(answer: Frame) -> str:
    assert answer["event"] == "error", answer
    assert isinstance(answer["data"]["message"], str)
    return str(answer["data"]["code"])


def set_member(board: Board, username: str, role: str | None) -> None:
    """Change a member's role; None removes them."""
    members = answered(board.owner.get(f"{board.path}/members/"), 200)["results"]
    path = next(f"/api/members/{m['id']}/" for m in members if m["user"]["username"] == username)
    if role is None:
        answered(board.owner.delete(path), 204)
    else:
        answered(board.owner.patch(path, {"role": role}), 200)


# --- Joining --------------------------------------------------------------------------------------


def test_a_join_is_acked_with_the_head_and_who_is_here(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    joined = socket.join(board.id)
    assert list(joined) == ["projectId", "seq", "presence"]
    assert (joined["projectId"], joined["seq"]) == (board.id, board.seq)
    assert [person["username"] for person in joined["presence"]] == [VIEWER.username]


def test_a_write_on_one_gateway_is_heard_on_the_other_within_a_second(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER, stack.second)
    head = socket.join(board.id)["seq"]
    task = board.add_task("Heard everywhere")
    heard = socket.wait_for("task:created", seconds=1)
    assert (heard["seq"], heard["data"]["id"], heard["projectId"]) == (head + 1, task["id"], board.id)
    assert heard["actor"]["name"] == OWNER.name


def test_what_was_missed_follows_the_ack_in_order_before_anything_newer(stack: Stack, board: Board) -> None:
    """While others write on both gateways all the time."""
    for number in range(5):
        board.add_task(f"Missed {number}")
    missed_from = board.seq - 5

    def write(gateway_number: int) -> None:
        api = stack.api(EDITOR, stack.gateways[gateway_number % len(stack.gateways)])
        for number in range(10):
            answered(api.post(f"{board.path}/tasks/", {"title": f"{gateway_number}.{number}"}), 201)

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(write, number) for number in range(2)]
        sockets = [stack.socket(VIEWER, gateway) for gateway in stack.gateways for _ in range(3)]
        for socket in sockets:
            socket.join(board.id, since=missed_from)
        for writer in writers:
            writer.result(timeout=60)
    head = board.seq
    for socket in sockets:
        socket.wait_for_seq(head)
        assert socket.seqs() == list(range(missed_from + 1, head + 1))
        first = next(index for index, frame in enumerate(socket.frames) if "seq" in frame)
        assert any(frame["event"] == "ack" for frame in socket.frames[:first])


def test_a_whole_history_is_replayed_from_zero(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    joined = socket.join(board.id, since=0)
    socket.wait_for_seq(joined["seq"])
    assert socket.seqs() == list(range(1, joined["seq"] + 1))
    assert [frame for frame in socket.frames if "seq" in frame] == board.events()


def test_who_is_level_hears_only_what_is_new(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    socket.join(board.id, since=board.seq)
    board.add_task()
    assert socket.wait_for("task:created")["seq"] == board.seq
    assert socket.seqs() == [board.seq]


def test_a_cursor_from_elsewhere_is_told_to_load_the_board_again(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    answer = socket.request("project:join", {"projectId": board.id, "since": board.seq + 1})
    assert error_of(answer) == "history-trimmed"
    assert socket.request("status")["data"]["rooms"] == []
    socket.join(board.id, since=board.seq)


def test_joining_again_moves_the_seat_and_doubles_nothing(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    for _ in range(3):
        socket.join(board.id)
    board.add_task()
    board.add_task()
    socket.wait_for_seq(board.seq)
    assert socket.seqs() == [board.seq - 1, board.seq]
    assert socket.request("status")["data"]["rooms"] == [board.id]


@pytest.mark.parametrize("room", ["unknown", "private", "upper case"])
def test_a_room_one_may_not_see_is_like_one_that_is_not_there(stack: Stack, board: Board, room: str) -> None:
    """Any difference would tell strangers which projects there are."""
    ids = {
        "unknown": str(uuid4()),
        "private": board.id,
        "upper case": board.id.upper() if board.id != board.id.upper() else str(uuid4()),
    }
    outsider, member = stack.socket(OUTSIDER), stack.socket(VIEWER)
    refused = outsider.request("project:join", {"projectId": ids[room]})
    unknown = member.request("project:join", {"projectId": str(uuid4()), "since": 3})
    assert error_of(refused) == "not-found"
    assert refused["data"] == unknown["data"]


@pytest.mark.parametrize("room", ["everything", "../gateways", "\x00" * 36], ids=["a word", "a path", "nul"])
def test_what_is_no_id_is_said_to_be_none_and_names_no_room(stack: Stack, room: str) -> None:
    refused = stack.socket(OUTSIDER).request("project:join", {"projectId": room})
    assert error_of(refused) == "not-found"
    assert "is not an id: expected a UUID" in refused["data"]["message"]


def test_a_socket_in_several_rooms_hears_each_of_them(stack: Stack, board: Board) -> None:
    other = Board(stack.api(OWNER))
    socket = stack.socket(VIEWER)
    for each in (board, other):
        socket.join(each.id)
        each.add_task()
        assert socket.wait_for("task:created")["projectId"] == each.id
    assert sorted(socket.request("status")["data"]["rooms"]) == sorted([board.id, other.id])


# --- Leaving, asking --------------------------------------------------------------------------------


def test_who_has_left_hears_no_more(stack: Stack, board: Board) -> None:
    leaving, staying = stack.socket(VIEWER), stack.socket(VIEWER)
    for socket in (leaving, staying):
        socket.join(board.id)
    assert leaving.request("project:leave", {"projectId": board.id})["data"] == {"projectId": board.id}
    board.add_task()
    staying.wait_for("task:created")
    leaving.request("ping")
    assert leaving.seqs() == []
    assert error_of(leaving.request("project:leave", {"projectId": board.id})) == "not-joined"


def test_status_says_what_the_gateway_holds_of_one(stack: Stack, board: Board) -> None:
    socket = stack.socket(EDITOR)
    socket.join(board.id)
    hello = socket.frames[0]["data"]
    status = socket.request("status")["data"]
    assert status == {
        "connectionId": hello["connectionId"],
        "user": hello["user"],
        "rooms": [board.id],
        "realtime": True,
        "strict": False,
    }


def test_a_ping_is_answered_with_the_time_in_utc(stack: Stack) -> None:
    answer = stack.socket().request("ping")
    assert list(answer["data"]) == ["at"]
    assert answer["data"]["at"].endswith("Z")


def test_a_frame_without_an_id_is_carried_out_and_not_answered(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    socket.send("project:join", {"projectId": board.id})
    assert socket.request("status")["data"]["rooms"] == [board.id]
    assert [frame["event"] for frame in socket.frames if frame["event"] in ("ack", "error")] == ["ack"]


def test_every_id_gets_exactly_one_answer_in_the_order_asked(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    asked = [
        ("ping", {}),
        ("project:join", {"projectId": board.id}),
        ("nonsense", {}),
        ("status", {}),
        ("auth", 7),
    ]
    ids: list[int | str] = []
    for round_number in range(20):
        for position, (event, data) in enumerate(asked):
            ids.append(f"{round_number}.{position}" if position % 2 else round_number * 10 + position)
            socket.send(event, data, id=ids[-1])
    socket.wait_for(lambda frame: frame.get("id") == ids[-1])
    assert [frame["id"] for frame in socket.frames if "id" in frame] == ids


@pytest.mark.parametrize("stack", ["distributed"], indirect=True)
def test_heartbeats_carry_the_head_of_each_room(stack: Stack, board: Board) -> None:
    """By it a client sees that it missed the last event, which no later one would show."""
    socket = stack.socket(VIEWER)
    socket.join(board.id)
    board.add_task()
    beat = socket.wait_for("heartbeat", seconds=12)
    assert list(beat["data"]) == ["at", "rooms"]
    assert beat["data"]["rooms"] == {board.id: board.seq}


# --- Rights -----------------------------------------------------------------------------------------


def test_a_removed_member_hears_of_it_and_of_nothing_after(stack: Stack, board: Board) -> None:
    removed = [stack.socket(VIEWER, gateway) for gateway in stack.gateways]
    staying = stack.socket(EDITOR)
    for socket in (*removed, staying):
        socket.join(board.id)
    set_member(board, VIEWER.username, None)
    last = board.seq
    board.add_task("Not for the viewer")
    staying.wait_for("task:created")
    for socket in removed:
        gone = socket.wait_for("member:removed")
        assert (gone["seq"], gone["data"]["user"]["username"]) == (last, VIEWER.username)
        assert socket.wait_for("error")["data"]["code"] == "forbidden"
        assert socket.request("status")["data"]["rooms"] == []
        assert socket.seqs() == [last]
        assert error_of(socket.request("project:join", {"projectId": board.id})) == "not-found"


def test_a_member_whose_role_changes_stays(stack: Stack, board: Board) -> None:
    socket = stack.socket(EDITOR)
    socket.join(board.id)
    set_member(board, EDITOR.username, "viewer")
    board.add_task()
    socket.wait_for_seq(board.seq)
    assert socket.seqs() == [board.seq - 1, board.seq]


def test_guests_leave_when_a_project_is_made_private(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    guest, outsider, member = stack.socket(None), stack.socket(OUTSIDER), stack.socket(VIEWER)
    for socket in (guest, outsider, member):
        socket.join(public.id)
    answered(public.owner.patch(f"{public.path}/", {"public": False}), 200)
    public.add_task("Secret from now on")
    member.wait_for("task:created")
    for socket in (guest, outsider):
        assert socket.wait_for("error")["data"]["code"] == "forbidden"
        assert socket.seqs() == [public.seq - 1]
        assert socket.request("status")["data"]["rooms"] == []


def test_a_deleted_project_closes_its_room_behind_the_event(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    head = socket.join(board.id)["seq"]
    answered(board.owner.delete(f"{board.path}/"), 204)
    assert socket.wait_for("project:deleted")["seq"] == head + 1
    assert socket.wait_for("error")["data"]["code"] == "forbidden"
    assert error_of(socket.request("project:join", {"projectId": board.id})) == "not-found"


def test_nobody_leaves_because_somebody_else_lost_the_right(stack: Stack, board: Board) -> None:
    sockets: list[Socket] = [stack.socket(person) for person in (OWNER, EDITOR)]
    for socket in sockets:
        socket.join(board.id)
    set_member(board, VIEWER.username, None)
    board.add_task()
    for socket in sockets:
        socket.wait_for_seq(board.seq)
        assert socket.request("status")["data"]["rooms"] == [board.id]
