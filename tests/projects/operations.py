"""Every write and every read of a board once, named as the OpenAPI document names them.

A route without a row here fails a test, so whatever is tested of all routes is tested of each new one.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

from rest_framework.response import Response

from projects import services
from tests.projects.conftest import Board, Client

OWNERS = frozenset({"owner"})
WRITERS = frozenset({"owner", "editor"})
# Not of a board: these have tests of their own.
ELSEWHERE = {
    "auth_token_create",
    "auth_token_end_create",
    "auth_token_refresh_create",
    "me_read",
    "projects_create",
    "projects_list",
    "projects_events_list",  # answered by the gateway, as is the next
    "projects_publish_create",
    "realtime_retrieve",
}


@dataclass(frozen=True, slots=True)
class Write:
    """One write that is an event; `allowed` are the roles that may do it."""

    name: str
    method: str
    path: Callable[[Board], str]
    body: Callable[[Board], Any] = lambda board: None
    allowed: Set[str] = WRITERS

    def send(self, client: Client, path: str, body: Any, **headers: str) -> Response:
        if self.method == "delete":
            return client.delete(path, **headers)
        answer: Response = getattr(client, self.method)(path, body, **headers)
        return answer


def project(board: Board) -> str:
    return f"{board.path}/"


def member(board: Board) -> str:
    return f"/api/members/{board.membership('viewer').pk}/"


def column(board: Board) -> str:
    return f"/api/columns/{board.columns[1].pk}/"


def task(board: Board) -> str:
    return f"/api/tasks/{board.tasks[0].pk}/"


def comment(board: Board) -> str:
    """Of the editor."""
    said = services.comment_create(actor=board.people["editor"], task_id=board.tasks[0].pk, text="Hello")
    return f"/api/comments/{said.pk}/"


def below(path: Callable[[Board], str], rest: str) -> Callable[[Board], str]:
    return lambda board: path(board) + rest


def always(body: Any) -> Callable[[Board], Any]:
    return lambda board: body


def to_the_top(board: Board) -> Any:
    return {"column": str(board.columns[1].pk), "after": None}


NEW_MEMBER = {"username": "outsider", "role": "viewer"}
NAMED, TITLED, SAID = always({"name": "New"}), always({"title": "New"}), always({"text": "New"})
WRITES = [
    Write("projects_update", "patch", project, NAMED, OWNERS),
    Write("projects_delete", "delete", project, allowed=OWNERS),
    Write("members_add", "post", below(project, "members/"), always(NEW_MEMBER), OWNERS),
    Write("members_update", "patch", member, always({"role": "editor"}), OWNERS),
    Write("members_remove", "delete", member, allowed=frozenset({"owner", "viewer"})),
    Write("columns_create", "post", below(project, "columns/"), NAMED),
    Write("columns_update", "patch", column, NAMED),
    Write("columns_move", "post", below(column, "move/"), always({"after": None})),
    Write("columns_delete", "delete", column),
    Write("tasks_create", "post", below(project, "tasks/"), TITLED),
    Write("tasks_update", "patch", task, TITLED),
    Write("tasks_move", "post", below(task, "move/"), to_the_top),
    Write("tasks_delete", "delete", task),
    Write("comments_create", "post", below(task, "comments/"), SAID),
    Write("comments_update", "patch", comment, SAID, frozenset({"editor"})),
    Write("comments_delete", "delete", comment),
]
READS: dict[str, Callable[[Board], str]] = {
    "projects_read": project,
    "projects_board": below(project, "board/"),
    "members_list": below(project, "members/"),
    "members_read": member,
    "columns_list": below(project, "columns/"),
    "columns_read": column,
    "tasks_list": below(project, "tasks/"),
    "tasks_read": task,
    "comments_list": below(task, "comments/"),
    "comments_read": comment,
}
