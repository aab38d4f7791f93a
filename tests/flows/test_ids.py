"""Ids in every spelling that clients use: one and the same everywhere, or told that it is none."""

import json
from urllib.parse import quote
from uuid import UUID

import pytest

from tests.realtime.wire import session_of
from tests.support.api import Api, answered
from tests.support.boards import Board
from tests.support.people import OPERATOR, OWNER, VIEWER
from tests.support.socketio import SocketIOClient
from tests.support.stack import Stack

CAPITALS, MIXED = str.upper, str.title
NO_IDS = {
    "braces": lambda id_: f"{{{id_}}}",
    "a URN": lambda id_: f"urn:uuid:{id_}",
    "no dashes": lambda id_: UUID(id_).hex,
    "a space": lambda id_: f"{id_} ",
    "a newline": lambda id_: f"{id_}\n",
    "other digits": lambda id_: id_[:-1] + "٣",
    "text": lambda _: "nonsense",
    "nothing much": lambda _: "-",
}


@pytest.mark.parametrize("spell", [CAPITALS, MIXED], ids=["capitals", "mixed"])
def test_an_address_may_be_spelled_in_capitals(stack: Stack, board: Board, spell) -> None:
    api, task = stack.api(OWNER), board.add_task()
    path = f"/api/projects/{spell(board.id)}"
    assert answered(api.get(f"{path}/"), 200)["id"] == board.id
    assert answered(api.get(f"{path}/board/"), 200)["project"]["id"] == board.id
    events = answered(api.get(f"{path}/events/", params={"since": 0}), 200)["events"]
    assert events == board.events()
    changed = answered(api.patch(f"/api/tasks/{spell(task['id'])}/", {"title": "New"}), 200)
    assert (changed["id"], changed["projectId"]) == (task["id"], board.id)


def test_a_body_may_spell_ids_in_capitals(stack: Stack, board: Board) -> None:
    api, first, second = stack.api(OWNER), board.add_task(), board.add_task()
    place = {"column": board.columns["To do"].upper(), "after": second["id"].upper()}
    moved = answered(api.post(f"/api/tasks/{first['id']}/move/", place), 200)
    assert moved["column"] == board.columns["To do"]
    assert board.events()[-1]["data"]["to"] == {"column": board.columns["To do"], "after": second["id"]}


def test_a_room_is_joined_once_however_it_is_spelled(stack: Stack, board: Board) -> None:
    """Else its events would come twice, and each spelling would be watched for itself."""
    socket = stack.socket(VIEWER)
    for spell in (CAPITALS, str.lower, MIXED):
        assert socket.join(spell(board.id))["projectId"] == board.id
    assert socket.request("status")["data"]["rooms"] == [board.id]
    board.add_task()
    assert socket.wait_for("task:created")["projectId"] == board.id
    state = socket.request("presence:update", {"projectId": CAPITALS(board.id), "state": 1})
    assert state["data"] == {"projectId": board.id}
    left = socket.request("project:leave", {"projectId": MIXED(board.id)})
    assert left["data"] == {"projectId": board.id}
    assert socket.request("status")["data"]["rooms"] == []
    assert len(socket.seqs()) == 1


def test_socketio_spells_ids_and_numbers_as_sockets_do(stack: Stack, board: Board) -> None:
    with SocketIOClient(stack.first.http_url, "websocket", stack.token(OWNER)) as client:
        joined = client.emit("project:join", {"projectId": CAPITALS(board.id), "since": 0.0})
        assert joined["projectId"] == board.id
        assert client.emit("project:leave", {"projectId": "nonsense"})["code"] == "not-joined"


def test_a_since_written_with_a_fraction_resumes(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    head = board.seq
    data = json.dumps({"projectId": board.id})[:-1] + f',"since":{head - 1}.0}}'
    socket.send_raw(f'{{"id":7.0,"event":"project:join","data":{data}}}')
    assert socket.wait_for("ack")["id"] == 7
    assert socket.wait_for_seq(head)["seq"] == head


@pytest.mark.parametrize("name", NO_IDS)
def test_what_is_no_id_is_told_so(stack: Stack, board: Board, name: str) -> None:
    wrong = NO_IDS[name](board.id)
    api, socket = stack.api(OWNER), stack.socket(OWNER)
    for path in ("", "board/", "events/", "tasks/"):
        told(api, f"/api/projects/{quote(wrong)}/{path}")
    told(api, f"/api/tasks/{quote(wrong)}/comments/")
    found = answered(api.post(f"{board.path}/tasks/", {"title": "x", "column": wrong}), 400)
    assert "UUID" in found["errors"]["column"][0]
    for event, code in (
        ("project:join", "not-found"),
        ("project:leave", "not-joined"),
        ("presence:update", "not-joined"),
    ):
        refused = socket.request(event, {"projectId": wrong, "state": 1})["data"]
        assert refused["code"] == code
        assert "data.projectId is not an id: expected a UUID" in refused["message"]


def told(api: Api, path: str) -> None:
    found = answered(api.get(path), 404)
    assert found["code"] == "not-found"
    assert "is not an id, expected a UUID like" in found["detail"], found


def test_pages_may_be_spelled_in_capitals(stack: Stack, board: Board) -> None:
    with session_of(stack.first.http_url, OPERATOR) as browser:
        public = answered(board.owner.patch(f"{board.path}/", {"public": True}), 200)
        page = browser.get(f"/projects/{CAPITALS(public['id'])}/", follow_redirects=True)
        assert page.status_code == 200
        assert board.id in page.text
