"""What a write asks of the database: the same on a large board as on a small one, and little of it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.models import Column
from realtime import rules
from tests.projects.conftest import Board, Client

Send = Callable[[Client, Board, str], Any]


def create(client: Client, board: Board, key: str) -> Any:
    body = {"title": "T", "column": str(board.columns[0].pk), "after": str(board.tasks[0].pk)}
    return client.post(f"{board.path}/tasks/", body, Idempotency_Key=key)


def create_at_the_bottom(client: Client, board: Board, key: str) -> Any:
    return client.post(f"{board.path}/tasks/", {"title": "T"}, Idempotency_Key=key)


def change(client: Client, board: Board, key: str) -> Any:
    body = {"title": key * int(key[-1])}  # each of another length than the one before
    return client.patch(f"/api/tasks/{board.tasks[0].pk}/", body, Idempotency_Key=key)


def assign(client: Client, board: Board, key: str) -> Any:
    body = {"assignee": str(board.people["owner" if key.endswith("1") else "editor"].pk)}
    return client.patch(f"/api/tasks/{board.tasks[0].pk}/", body, Idempotency_Key=key)


def move(client: Client, board: Board, key: str) -> Any:
    column = board.columns[1 if key.endswith("1") else 2]
    body = {"column": str(column.pk), "after": None}
    return client.post(f"/api/tasks/{board.tasks[0].pk}/move/", body, Idempotency_Key=key)


def move_below(client: Client, board: Board, key: str) -> Any:
    after = board.tasks[1 if key.endswith("1") else 2]
    body = {"column": str(board.columns[0].pk), "after": str(after.pk)}
    return client.post(f"/api/tasks/{board.tasks[0].pk}/move/", body, Idempotency_Key=key)


def delete(client: Client, board: Board, key: str) -> Any:
    return client.delete(f"/api/tasks/{board.tasks.pop().pk}/", Idempotency_Key=key)


def comment(client: Client, board: Board, key: str) -> Any:
    return client.post(f"/api/tasks/{board.tasks[0].pk}/comments/", {"text": "Hello"}, Idempotency_Key=key)


def rename_a_column(client: Client, board: Board, key: str) -> Any:
    return client.patch(f"/api/columns/{board.columns[0].pk}/", {"name": key}, Idempotency_Key=key)


def move_a_column(client: Client, board: Board, key: str) -> Any:
    after = board.columns[1 if key.endswith("1") else 2]
    body = {"after": str(after.pk)}
    return client.post(f"/api/columns/{board.columns[0].pk}/move/", body, Idempotency_Key=key)


WRITES: list[Send] = [
    *(create, create_at_the_bottom, change, assign, move, move_below, delete, comment),
    *(rename_a_column, move_a_column),
]


def queries_of(write: Send, client: Client, board: Board, key: str) -> int:
    rules.refresh()  # which whoever asks does once in a while
    with CaptureQueriesContext(connection) as queries:
        answer = write(client, board, key)
    assert answer.status_code < 300, answer.data
    return len(queries)


@pytest.mark.parametrize("write", WRITES)
def test_a_write_to_a_large_board_costs_as_many_queries_as_to_a_small_one(write, owner, board):
    few = queries_of(write, owner, board, "key-1")
    for number in range(10):
        board.add_task(f"More {number}")
        board.add_task(f"More {number}", column_id=board.columns[1].pk)
        services.column_create(actor=board.owner, project_id=board.id, name="More")
        services.user_create(username=f"person{number}", password=None)
        services.member_add(actor=board.owner, project_id=board.id, username=f"person{number}", role="viewer")
        services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    assert queries_of(write, owner, board, "key-2") == few


# Savepoints of the tests' own transaction are among them, two for each request.
STATEMENTS: list[tuple[Send, int]] = [(create, 13), (change, 12), (move, 14), (move_below, 15), (comment, 12)]


@pytest.mark.parametrize("write,most", STATEMENTS)
def test_a_write_takes_few_statements(write, most, owner, board):
    """Each is a round trip, and half a millisecond of this process's time."""
    assert queries_of(write, owner, board, "key-1") <= most


def test_a_new_task_goes_to_the_first_column_as_it_stands_now(owner, board):
    services.column_move(actor=board.owner, column_id=board.columns[2].pk, after=None)
    assert create_at_the_bottom(owner, board, "key-1").data["column"] == str(board.columns[2].pk)
    assert Column.objects.filter(project=board.id)[0].pk == board.columns[2].pk
