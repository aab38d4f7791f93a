"""Rows of boards that one may not see, and fields that are not one's to set, are of no use in a request."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.api import Api, answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OUTSIDER, OWNER, VIEWER
from tests.support.stack import Stack


@pytest.fixture
def theirs(stack: Stack) -> Board:
    return Board(stack.api(OWNER), name="Theirs")


@pytest.fixture
def mine(stack: Stack) -> dict[str, Any]:
    """A board of the outsider's, who is no member of the other: its snapshot."""
    api = stack.api(OUTSIDER)
    made = answered(api.post("/api/projects/", {"name": "Mine"}), 201)
    task = answered(api.post(f"/api/projects/{made['id']}/tasks/", {"title": "A task of mine"}), 201)
    return {"id": made["id"], "task": task["id"], **api.get(f"/api/projects/{made['id']}/board/").json()}


def test_a_row_of_another_board_is_like_none(stack: Stack, theirs: Board, mine: dict[str, Any]) -> None:
    """In each field that names one. The answers differ in the id alone."""
    api, ghost = stack.api(OUTSIDER), str(uuid4())
    foreign_task, foreign_column = theirs.add_task()["id"], theirs.columns["Done"]
    member = answered(theirs.owner.get(f"{theirs.path}/members/"), 200)["results"][0]["user"]["id"]
    column, task, board = mine["columns"][0]["id"], mine["task"], f"/api/projects/{mine['id']}"
    before, mine_before = theirs.snapshot(), api.get(f"{board}/board/").json()
    tries: list[tuple[str, str, str, dict[str, Any], str]] = [
        ("post", f"{board}/tasks/", "column", {"title": "x"}, foreign_column),
        ("post", f"{board}/tasks/", "assignee", {"title": "x"}, member),
        ("patch", f"/api/tasks/{task}/", "assignee", {}, member),
        ("post", f"/api/tasks/{task}/move/", "column", {}, foreign_column),
        ("delete", f"/api/columns/{column}/", "moveTo", {}, foreign_column),
    ]
    for method, path, field, body, foreign in tries:
        hidden, none = (refused(api, method, path, field, {**body}, id_) for id_ in (foreign, ghost))
        assert hidden.replace(foreign, ghost) == none, (method, path, field)
    for foreign in (foreign_task, ghost):
        moved = api.post(f"/api/tasks/{task}/move/", {"column": column, "after": foreign})
        assert moved.status_code in (200, 400, 409), moved.text
    assert theirs.snapshot() == before
    mine_after = api.get(f"{board}/board/").json()
    assert [row["id"] for row in mine_after["tasks"]] == [row["id"] for row in mine_before["tasks"]]


def refused(api: Api, method: str, path: str, field: str, body: dict[str, Any], id_: str) -> str:
    if method == "delete":
        answer = api.delete(path, params={field: id_})
    else:
        answer = api.request(method, path, json={**body, field: id_})
    assert answer.status_code in (400, 404), (path, field, answer.text)
    return answer.text


FORBIDDEN_FIELDS: dict[str, Any] = {
    "id": str(uuid4()),
    "project": str(uuid4()),
    "projectId": str(uuid4()),
    "owner": "x",
    "createdBy": str(uuid4()),
    "created_by": str(uuid4()),
    "author": str(uuid4()),
    "createdAt": "2020-01-01T00:00:00Z",
    "position": 1,
    "seq": 1,
    "is_staff": True,
    "is_superuser": True,
    "user": str(uuid4()),
    "password": "x",
    "__class__": "x",
    "pk": 1,
}


def test_a_field_that_is_not_ones_to_set_is_refused_by_name(stack: Stack, board: Board) -> None:
    editor, task = stack.api(EDITOR), board.add_task()["id"]
    before = board.snapshot()
    bodies = [
        (editor, "post", f"{board.path}/tasks/", {"title": "x"}),
        (editor, "patch", f"/api/tasks/{task}/", {"title": "x"}),
        (editor, "post", f"/api/tasks/{task}/comments/", {"text": "x"}),
        (board.owner, "patch", f"{board.path}/", {"name": "x"}),
        (board.owner, "post", f"{board.path}/members/", {"username": OUTSIDER.username, "role": "viewer"}),
        (board.owner, "post", "/api/projects/", {"name": "x"}),
    ]
    accepted: set[tuple[str, str, str]] = set()
    for api, method, path, body in bodies:
        for name, value in FORBIDDEN_FIELDS.items():
            if (method, name) == ("post", "id"):  # of what is created its client may choose the id
                continue
            answer = api.request(method, path, json={**body, name: value})
            if answer.status_code != 400 or name not in answer.json()["errors"]:
                accepted.add((method, path, name))
    assert not accepted
    assert board.snapshot() == before


def test_a_viewer_writes_nothing_by_a_row_of_a_board_of_their_own(stack: Stack, board: Board) -> None:
    """Rights are those on the row's own board, whatever else a request names."""
    viewer, task = stack.api(VIEWER), board.add_task()["id"]
    own = answered(viewer.post("/api/projects/", {"name": "The viewer's own"}), 201)["id"]
    column = viewer.get(f"/api/projects/{own}/board/").json()["columns"][0]["id"]
    before = board.seq
    answers = [
        viewer.post(f"/api/tasks/{task}/move/", {"column": column}),
        viewer.patch(f"/api/tasks/{task}/", {"title": "Mine now"}),
        viewer.delete(f"/api/columns/{board.columns['Done']}/", params={"moveTo": column}),
    ]
    assert [answer.status_code for answer in answers] == [400, 403, 403]
    assert board.seq == before
