"""Nothing tells whether a row is there that one may not see: not the answer, not a header, not the work done.

Each operation of the OpenAPI document is asked for a row of a private board and for one that is not there.
The two answers are compared to the byte, and the statements by their number and kind. What the gateway
answers itself, polls and sockets, is compared from outside: tests/attacks/test_existence.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects import services
from projects.models import User
from tests.projects.conftest import Board, Client
from tests.support.documented import document

GHOST = str(uuid4())
HEADERS: list[dict[str, str]] = [
    {},
    {"If_Match": '"1"'},
    {"If_None_Match": '"1"'},
    {"If_Match": "*"},
    {"Idempotency_Key": "a-key"},
    {"Prefer": "return=minimal"},
]
OPERATORS = re.compile(r"realtime_(policysetting|blockednetwork|operatoraction)|clock_timestamp")
WRITES = ("post", "put", "patch", "delete")
# By the gateway itself; for services alone.
ELSEWHERE = ("/events/", "/publish/")


def operations() -> list[tuple[str, str]]:
    """Method and path of each that names a row."""
    return [
        (method, path)
        for path, by_method in document()["paths"].items()
        for method in by_method
        if "{" in path and not path.endswith(ELSEWHERE)
    ]


@pytest.fixture
def ids(board: Board) -> dict[str, str]:
    task = board.tasks[0]
    comment = services.comment_create(actor=board.owner, task_id=task.pk, text="Hello")
    return {
        **dict.fromkeys(("{project_id}", "{room_id}", "{id}"), str(board.id)),
        "{task_id}": str(task.pk),
        "{comment_id}": str(comment.pk),
        "{column_id}": str(board.columns[0].pk),
        "{membership_id}": str(board.membership("viewer").pk),
    }


def bodies(board: Board) -> Iterator[Any]:
    """As a client may send them: right, wrong, and naming rows of the private board."""
    yield None
    yield {}
    yield {"unknown": 1}
    yield {"title": "x", "name": "x", "text": "x"}
    for name in ("title", "name", "text"):
        yield {name: "x", "id": str(board.tasks[0].pk)}
    yield {"title": "x", "column": str(board.columns[0].pk), "after": None}
    yield {"column": str(board.columns[0].pk), "after": str(board.tasks[1].pk)}
    yield {"username": "viewer", "role": "editor"}


def said(answer: Any, real: str) -> tuple[Any, ...]:
    """All that an answer tells, as if it had been asked for a row that is not there."""
    shown = sorted((name, value) for name, value in answer.items() if name != "X-Request-ID")
    text = answer.content.decode().replace(real, GHOST)
    return answer.status_code, text, [(name, value.replace(real, GHOST)) for name, value in shown]


def asked(method: str, path: str, id_: str, body: Any, headers: dict[str, str], client: Client) -> Any:
    where = path[: path.index("{")] + id_ + path[path.index("}") + 1 :]
    send: Callable[..., Any] = getattr(client, method)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = send(where, body, **headers) if method in WRITES[:3] else send(where, **headers)
    # What operators have set is read once a second, whoever asks.
    own = [sql for sql in (one["sql"] for one in queries.captured_queries) if not OPERATORS.search(sql)]
    statements = [sql.partition(" ")[0] for sql in own]
    return (*said(answer, id_), statements)


@pytest.mark.parametrize("who", ["outsider", "guest"])
def test_a_row_that_one_may_not_see_is_like_one_that_is_not_there(
    board: Board, people: dict[str, User], ids: dict[str, str], who: str
) -> None:
    client, before = Client(people.get(who)), board.seq
    told = []
    for method, path in operations():
        real = ids[path[path.index("{") : path.index("}") + 1]]
        for body in bodies(board) if method in WRITES[:3] else [None]:
            for headers in HEADERS:
                one, other = (asked(method, path, id_, body, headers, client) for id_ in (real, GHOST))
                if one != other:
                    told.append((method, path, body, headers, one, other))
    assert not told, f"{len(told)} differ, the first: {told[0]}"
    assert board.seq == before


def test_rows_of_others_named_in_a_body_are_like_ones_that_are_not_there(
    board: Board, people: dict[str, User], ids: dict[str, str]
) -> None:
    """On a board of one's own."""
    mine = services.project_create(actor=people["outsider"], name="Mine")
    task = services.task_create(actor=people["outsider"], project_id=mine.pk, title="Mine")
    (column, *_), client = mine.columns.all(), Client(people["outsider"])
    foreign = {"column": "{column_id}", "after": "{task_id}"}
    paths = {
        "post": [f"/api/projects/{mine.pk}/tasks/", f"/api/tasks/{task.pk}/move/"],
        "patch": [f"/api/tasks/{task.pk}/"],
        "delete": [],
    }
    compared = 0
    for method, wheres in paths.items():
        for where in wheres:
            for name, kind in foreign.items():
                given = {"title": "x", "column": str(column.pk), "after": None}
                one, other = (
                    said(getattr(client, method)(where, {**given, name: id_}), ids[kind])
                    for id_ in (ids[kind], GHOST)
                )
                if one[0] < 300:  # made: another id and time each
                    one, other = one[:1], other[:1]
                assert one == other, (method, where, name)
                compared += 1
    where = f"/api/columns/{column.pk}/"
    one, other = (
        said(client.delete(f"{where}?moveTo={id_}"), ids["{column_id}"])
        for id_ in (ids["{column_id}"], GHOST)
    )
    assert one == other
    assert compared == 6
