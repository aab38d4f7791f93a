"""Somebody is put out of a project while their request is answered: they get nothing that came after that."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client as BrowserClient

from projects import selectors, services
from projects.api import projects
from projects.api.boards import BoardCache
from projects.web import summaries
from realtime import eventlog
from tests.projects.conftest import Board, Client, make_people

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Came when the viewer was gone"

Before = Callable[[object, str, Callable[[], None]], None]


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Before:
    """`before(owner, name, act)`: acts right before the next call of that name, in a thread of its own."""

    def patch(owner: object, name: str, act: Callable[[], None]) -> None:
        real: Any = getattr(owner, name)

        def in_thread() -> None:
            act()
            connection.close()

        def first_act(*args: Any) -> Any:
            monkeypatch.setattr(owner, name, real)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(in_thread).result(30)
            return real(*args)

        monkeypatch.setattr(owner, name, first_act)

    return patch


def put_out(board: Board) -> None:
    """The viewer; what happens next is not for them."""
    services.member_remove(actor=board.owner, membership_id=board.membership("viewer").pk)
    board.add_task(SECRET)
    services.column_create(actor=board.owner, project_id=board.id, name=SECRET)
    services.member_add(actor=board.owner, project_id=board.id, username="outsider", role="viewer")
    services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text=SECRET)


@pytest.mark.parametrize("known", [False, True], ids=["200", "304"])
def test_a_board_that_another_reader_has_had_kept_meanwhile(
    before: Before, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr(projects, "board_cache", BoardCache())
    board = Board(make_people())
    path = f"{board.path}/board/"

    def act() -> None:
        put_out(board)
        assert SECRET in Client(board.owner).get(path).content.decode()

    before(eventlog, "head", act)
    tags = {"If-None-Match": "*"} if known else {}
    answer = Client(board.people["viewer"]).get(path, **tags)
    assert answer.status_code == 404


@pytest.mark.parametrize("of", ["tasks", "columns", "members", "comments"])
def test_a_list_is_of_the_moment_in_which_it_might_be_read(before: Before, of: str) -> None:
    board = Board(make_people())
    path = f"/api/tasks/{board.tasks[0].pk}/comments/" if of == "comments" else f"{board.path}/{of}/"
    before(selectors, f"{of}_of", lambda: put_out(board))
    answer = Client(board.people["viewer"]).get(path)
    assert answer.status_code == 200
    assert SECRET not in answer.content.decode()
    assert "outsider" not in answer.content.decode()
    assert Client(board.people["viewer"]).get(path).status_code == 404


def test_the_page_of_boards_is_too(before: Before, client: BrowserClient) -> None:
    board = Board(make_people())
    client.force_login(board.people["viewer"], "django.contrib.auth.backends.ModelBackend")
    before(summaries, "_columns", lambda: put_out(board))
    assert SECRET not in client.get("/projects").content.decode()
