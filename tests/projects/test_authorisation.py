"""Who may do what. Every write of the API, by everybody, on a private and on a public board."""

from collections.abc import Callable
from typing import Any

import pytest

from projects import services
from tests.projects.conftest import ROLES, Board, Client

Write = Callable[[Client, Board], Any]

OWNERS_ONLY: dict[str, Write] = {
    "rename the project": lambda client, board: client.patch(f"{board.path}/", {"name": "New"}),
    "delete the project": lambda client, board: client.delete(f"{board.path}/"),
    "add a member": lambda client, board: client.post(
        f"{board.path}/members/", {"username": "outsider", "role": "viewer"}
    ),
    "change a role": lambda client, board: client.patch(
        f"/api/members/{board.membership('viewer').pk}/", {"role": "editor"}
    ),
}
WRITERS: dict[str, Write] = {
    "add a column": lambda client, board: client.post(f"{board.path}/columns/", {"name": "New"}),
    "rename a column": lambda client, board: client.patch(
        f"/api/columns/{board.columns[0].pk}/", {"name": "New"}
    ),
    "move a column": lambda client, board: client.post(
        f"/api/columns/{board.columns[1].pk}/move/", {"after": None}
    ),
    "delete a column": lambda client, board: client.delete(f"/api/columns/{board.columns[1].pk}/"),
    "add a task": lambda client, board: client.post(f"{board.path}/tasks/", {"title": "New"}),
    "change a task": lambda client, board: client.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "New"}),
    "move a task": lambda client, board: client.post(
        f"/api/tasks/{board.tasks[1].pk}/move/", {"column": str(board.columns[1].pk), "after": None}
    ),
    "delete a task": lambda client, board: client.delete(f"/api/tasks/{board.tasks[0].pk}/"),
    "comment": lambda client, board: client.post(
        f"/api/tasks/{board.tasks[0].pk}/comments/", {"text": "Hello"}
    ),
}
WRITES = [(name, write, {"owner"}) for name, write in OWNERS_ONLY.items()]
WRITES += [(name, write, {"owner", "editor"}) for name, write in WRITERS.items()]


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name,write,allowed", WRITES, ids=[name for name, *_ in WRITES])
def test_only_those_who_may_write_do(name, write, allowed, role, public, people, as_):
    board = Board(people, public=public)
    before = board.seq
    answer = write(as_(role), board)
    if role in allowed:
        assert answer.status_code in (200, 201, 204), answer.data
        assert board.seq == before + 1, "one change, one event"
        return
    assert board.seq == before, "a refused change leaves no event"
    expected = {
        "viewer": (403, "forbidden"),
        "editor": (403, "forbidden"),
        "outsider": (403, "forbidden") if public else (404, "not-found"),
        "guest": (401, "unauthenticated"),
    }[role]
    assert (answer.status_code, answer.data["code"]) == expected


def reads(board: Board) -> list[str]:
    comment = services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    return [
        f"{board.path}/",
        f"{board.path}/board/",
        f"{board.path}/members/",
        f"{board.path}/columns/",
        f"{board.path}/tasks/",
        f"/api/members/{board.membership('owner').pk}/",
        f"/api/columns/{board.columns[0].pk}/",
        f"/api/tasks/{board.tasks[0].pk}/",
        f"/api/tasks/{board.tasks[0].pk}/comments/",
        f"/api/comments/{comment.pk}/",
    ]


@pytest.mark.parametrize("role", ROLES)
def test_a_private_board_is_not_there_for_whoever_is_no_member(role, board, as_):
    expected = 404 if role in ("outsider", "guest") else 200
    for path in reads(board):
        answer = as_(role).get(path)
        assert answer.status_code == expected, path
        assert expected == 200 or answer.data["code"] == "not-found"


@pytest.mark.parametrize("role", ROLES)
def test_everybody_reads_a_public_board(role, public_board, as_):
    for path in reads(public_board):
        assert as_(role).get(path).status_code == 200, path


def test_the_list_of_projects_holds_what_one_may_see_and_nothing_else(people, as_):
    private, public = Board(people), Board(people, public=True)
    for role in ROLES:
        listed = {row["id"] for row in as_(role).get("/api/projects/").data["results"]}
        expected = {str(public.id)} if role in ("outsider", "guest") else {str(private.id), str(public.id)}
        assert listed == expected, role


def test_a_superuser_who_is_no_member_has_no_right_beyond_anybody_else(board, people, as_):
    services.user_update(
        actor=people["owner"], user_id=people["outsider"].pk, values={"is_superuser": True, "is_staff": True}
    )
    people["outsider"].refresh_from_db()
    assert as_("outsider").get(f"{board.path}/board/").status_code == 404
    assert as_("outsider").patch(f"{board.path}/", {"name": "Mine"}).status_code == 404


def test_who_one_is(as_, people):
    answer = as_("editor").get("/api/me/")
    assert answer.data == {"id": str(people["editor"].pk), "name": "Editor", "username": "editor"}
    assert as_("guest").get("/api/me/").status_code == 401
