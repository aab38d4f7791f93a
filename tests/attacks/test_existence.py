"""Polls and sockets answer for a board that one may not see as they do for one that is not there.

The routes of Django are compared in tests/projects/test_existence.py.
"""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.boards import Board
from tests.support.people import OUTSIDER, Person
from tests.support.stack import Stack

WHO = pytest.mark.parametrize("who", [None, OUTSIDER], ids=["guest", "outsider"])
QUERIES: list[dict[str, str]] = [
    {},
    {"since": "0"},
    {"since": "99999"},
    {"since": "0", "wait": "100"},
    {"since": "x"},
    {"limit": "0"},
    {"unknown": "1"},
]
HEADERS: list[dict[str, str]] = [{}, {"If-None-Match": '"1"'}, {"Accept": "text/html"}]
CHANGING = {"date", "x-request-id"}


@WHO
def test_a_poll_of_a_hidden_board_is_answered_like_one_of_none(
    stack: Stack, board: Board, who: Person | None
) -> None:
    api, ghost = stack.api(who), str(uuid4())

    def said(method: str, id_: str, query: dict[str, str], headers: dict[str, str]) -> tuple[Any, ...]:
        path = f"/api/projects/{id_}/events/"
        answer = api.request(method, path, params=query, headers=headers)
        told = {name: value for name, value in answer.headers.items() if name not in CHANGING}
        return answer.status_code, answer.text.replace(id_, ghost), told

    for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
        for query in QUERIES:
            for headers in HEADERS:
                hidden, none = (said(method, id_, query, headers) for id_ in (board.id, ghost))
                assert hidden == none, (method, query, headers)


@WHO
def test_a_socket_hears_of_a_hidden_board_what_it_hears_of_none(
    stack: Stack, board: Board, who: Person | None
) -> None:
    ghost = str(uuid4())
    asked: list[tuple[str, dict[str, Any]]] = [
        ("project:join", {}),
        ("project:join", {"since": 0}),
        ("project:join", {"since": 99999}),
        ("project:leave", {}),
        ("presence:update", {"state": {"x": 1}}),
    ]
    with stack.socket(who) as socket:
        for number, (event, data) in enumerate(asked):
            hidden, none = (socket.request(event, {"projectId": id_, **data}) for id_ in (board.id, ghost))
            assert str(hidden["data"]).replace(board.id, ghost) == str(none["data"]), (number, event)
            assert hidden["event"] == none["event"], (number, event)
