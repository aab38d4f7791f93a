"""What the board's page asks for and how it shows it: its own modules against the real API."""

from typing import Any
from uuid import uuid4

import pytest

from projects.events import Event
from tests.projects.conftest import Board, Client
from tests.support.page import Page

# What shows on the board before it is answered, and the event that it becomes.
ON_THE_BOARD = {
    "task.create": Event.TASK_CREATED,
    "task.update": Event.TASK_UPDATED,
    "task.move": Event.TASK_MOVED,
    "task.delete": Event.TASK_DELETED,
    "column.create": Event.COLUMN_CREATED,
    "column.rename": Event.COLUMN_UPDATED,
    "column.mark": Event.COLUMN_UPDATED,
    "column.move": Event.COLUMN_MOVED,
    "column.delete": Event.COLUMN_DELETED,
}
BESIDE_IT = {
    "comment.create": Event.COMMENT_CREATED,
    "comment.update": Event.COMMENT_UPDATED,
    "comment.delete": Event.COMMENT_DELETED,
}
# Asked for in a dialogue that waits for the answer, or in no board's page.
AWAITED = {kind for kind in Event if kind.startswith(("project:", "member:", "person:"))}
OPERATIONS = ON_THE_BOARD | BESIDE_IT


@pytest.fixture
def operation(request: pytest.FixtureRequest, editor: Client, board: Board) -> dict[str, Any]:
    """As the page makes it, with an id of its own for what it creates."""
    kind = request.param
    tasks = [str(task.pk) for task in board.tasks]
    full, column, _ = (str(column.pk) for column in board.columns)
    task = tasks[2]
    said = {"id": ""}
    if kind in BESIDE_IT:
        said = editor.post(f"/api/tasks/{task}/comments/", {"text": "Hello"}).data
    fields: dict[str, dict[str, Any]] = {
        "task.create": {
            "task": str(uuid4()),
            "column": full,
            "after": tasks[0],
            "changes": {"title": "New"},
        },
        "task.update": {"task": task, "changes": {"title": "New"}},
        "task.move": {"task": task, "column": full, "after": None},
        "task.delete": {"task": task},
        "column.create": {"column": str(uuid4()), "name": "New"},
        "column.rename": {"column": column, "name": "New"},
        "column.mark": {"column": column, "done": True},
        "column.move": {"column": column, "after": None},
        "column.delete": {"column": full, "moveTo": column},
        "comment.create": {"task": task, "comment": str(uuid4()), "text": "New"},
        "comment.update": {"task": task, "comment": said["id"], "text": "New"},
        "comment.delete": {"task": task, "comment": said["id"]},
    }
    return {"key": str(uuid4()), "kind": kind, **fields[kind]}


def send(client: Client, request: dict[str, Any], key: str) -> Any:
    """The answer's data; what was deleted is answered with nothing, as the page's `call` gives it."""
    verb, path = request["method"].lower(), request["path"]
    headers = {"Idempotency_Key": key}
    if request.get("version") is not None:
        headers["If_Match"] = f'"{request["version"]}"'
    body = () if verb == "delete" else (request.get("body"),)
    answer = getattr(client, verb)(path, *body, **headers)
    assert answer.status_code < 300, answer.data
    return answer.json() if answer.content else None


def seen(snapshot: dict[str, Any]) -> list[dict[str, Any]]:
    """What people can see of a board."""
    titles = {
        column["id"]: [task["title"] for task in snapshot["tasks"] if task["column"] == column["id"]]
        for column in snapshot["columns"]
    }
    return [
        {"name": column["name"], "done": column["done"], "tasks": titles[column["id"]]}
        for column in snapshot["columns"]
    ]


@pytest.mark.parametrize("operation", OPERATIONS, indirect=True)
def test_what_the_page_shows_at_once_is_what_the_server_makes_of_it(operation, editor, board, page):
    before = board.snapshot()
    asked = page.ask("ask", snapshot=before, operation=operation)
    answer = send(editor, asked["request"], operation["key"])
    fresh = board.snapshot()
    assert asked["view"] == seen(fresh)
    (event,) = board.events(before["seq"])
    assert (event["event"], event["mutationId"]) == (OPERATIONS[operation["kind"]], operation["key"])
    done = {"operations": [], "view": seen(fresh)}
    given = {"snapshot": before, "operation": operation, "answer": answer, "event": event}
    assert page.ask("confirm", **given, answerFirst=True) == done
    assert page.ask("confirm", **given, answerFirst=False) == done
    assert page.ask("settle", snapshot=fresh, operation=operation, answer=answer) == []


def test_no_kind_of_event_is_left_out(page: Page) -> None:
    assert set(page.ask("operations")) == set(ON_THE_BOARD), "PATCHES in pending.js"
    assert {*OPERATIONS.values(), *AWAITED} == set(Event)
