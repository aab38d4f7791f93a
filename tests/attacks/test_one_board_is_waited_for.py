"""A board whose lock is held for long, and crowds that want to write there: others are served as before."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import httpx
import psycopg
import pytest

from tests.support.api import bearer
from tests.support.boards import Board
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER, Person
from tests.support.raw_http import RawHttp, head
from tests.support.stack import KINDS, Stack, Templates

SOON = 3.0  # a lock is waited for five seconds, on SQLite for twenty
TOKENS = """
import json
from projects.models import User
from realtime.token_families import begin
user = User.objects.get(username={name!r})
print(json.dumps([begin(user)["access"] for _ in range({count})]))
"""

DISABLE = """
from projects import services
from projects.models import User
user, operator = (User.objects.get(username=name) for name in ({name!r}, "oprah"))
services.user_update(actor=operator, user_id=user.pk, values={{"is_active": {active}}})
"""


@pytest.fixture(scope="module", params=KINDS)
def service(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Behind a proxy that the tests are."""
    folder = tmp_path_factory.mktemp(f"waited-{request.param}")
    stack = Stack(request.param, templates.copy(request.param), folder, {"TRUSTED_PROXIES": "127.0.0.1"})
    yield stack
    stack.stop()


def tokens_of(stack: Stack, person: Person, count: int) -> list[str]:
    found: list[str] = stack.python(TOKENS.format(name=person.username, count=count)).json()
    return found


@contextmanager
def locked(stack: Stack, board: Board) -> Iterator[None]:
    """Somebody changes the board, and takes their time. On SQLite whoever writes locks all boards."""
    url = stack.settings["DATABASE_URL"]
    if stack.kind == "embedded":
        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        file.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            file.execute("ROLLBACK")
            file.close()
        return
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT 1 FROM realtime_roomhead WHERE room LIKE %s FOR UPDATE", [f"%{board.id}%"]
        )
        assert found.rowcount == 1
        yield
        connection.rollback()


@contextmanager
def crowd(
    stack: Stack, board: Board, tokens: list[str], address: str, lock: AbstractContextManager[None]
) -> Iterator[list[int]]:
    """Each sends a write to the board, while it is locked if it is; at the end all have been answered, with
    these statuses.
    """
    statuses: list[int] = []
    body = b'{"title": "One more"}'
    with ExitStack() as opened:
        clients = [opened.enter_context(RawHttp(stack.first.http_url, seconds=60)) for _ in tokens]
        with lock:
            for client, token in zip(clients, tokens, strict=True):
                fields = {"Content_Type": "application/json", "Content_Length": str(len(body))}
                fields |= {"Authorization": f"Bearer {token}", "X_Forwarded_For": address}
                client.send(head("POST", f"{board.path}/tasks/", client.host, **fields), body)
            yield statuses
        statuses.extend(client.answer().status for client in clients)


def check_served(stack: Stack, board: Board, person: Person, address: str) -> None:
    """They read; and where another board is another lock, they write."""
    headers = bearer(stack.token(person)) | {"X-Forwarded-For": address}
    with httpx.Client(base_url=stack.first.http_url, headers=headers, timeout=60) as client:
        for path in ("/api/me/", f"{board.path}/board/", "/projects"):
            began = time.monotonic()
            assert client.get(path).status_code == 200
            assert time.monotonic() - began < SOON
        if stack.kind == "distributed":
            began = time.monotonic()
            assert client.post(f"{board.path}/tasks/", json={"title": "In time"}).status_code == 201
            assert time.monotonic() - began < SOON


def test_one_account_with_many_tokens_holds_up_nobody(service: Stack) -> None:
    """Not even at its own address."""
    board, other = Board(service.api(OWNER), public=True), Board(service.api(OPERATOR))
    tokens = tokens_of(service, OUTSIDER, 20) * 5
    service.token(EDITOR)
    with crowd(service, board, tokens, "203.0.113.1", locked(service, board)) as statuses:
        check_served(service, other, EDITOR, "203.0.113.1")
        check_served(service, other, EDITOR, "203.0.113.2")
    assert set(statuses) <= {403, 503}


def test_one_address_of_many_people_holds_up_no_other(service: Stack) -> None:
    board, other = Board(service.api(OWNER), public=True), Board(service.api(OPERATOR))
    tokens = service.crowd(100)
    service.token(EDITOR)
    with crowd(service, board, tokens, "2001:db8:1:2::7", locked(service, board)):
        check_served(service, other, EDITOR, "203.0.113.2")
        check_served(service, other, EDITOR, "2001:db8:1:3::7")


@pytest.mark.parametrize("log_ins", [1, 5])
def test_scripts_that_write_a_hundred_times_at_once_are_refused_nothing(service: Stack, log_ins: int) -> None:
    """One person's writes wait for each other, in order."""
    board = Board(service.api(OWNER))
    tokens = tokens_of(service, OWNER, log_ins) * (100 // log_ins)
    with crowd(service, board, tokens, "203.0.113.3", nullcontext()) as statuses:
        pass
    assert Counter(statuses) == {201: 100}


def test_a_strangers_tries_to_add_somebody_do_not_wait_for_them_nor_hold_them(service: Stack) -> None:
    if service.kind == "embedded":
        return  # SQLite locks no rows
    board = Board(service.api(OWNER), public=True)
    with psycopg.connect(service.settings["DATABASE_URL"]) as connection:
        connection.execute("SELECT 1 FROM projects_user WHERE username = %s FOR UPDATE", [VIEWER.username])
        for person, status in ((OUTSIDER, 403), (EDITOR, 403)):
            began = time.monotonic()
            answer = service.api(person).post(
                f"{board.path}/members/", {"username": VIEWER.username, "role": "viewer"}
            )
            assert answer.status_code == status
            assert time.monotonic() - began < SOON
        connection.rollback()


def test_an_operator_disables_somebody_while_boards_of_theirs_are_locked(service: Stack) -> None:
    """A board is locked for what others see of its members, and for nothing else."""
    if service.kind == "embedded":
        return  # SQLite locks no rows
    board = Board(service.api(OWNER))
    with locked(service, board):
        for active in (False, True):
            began = time.monotonic()
            changed = service.python(DISABLE.format(name=EDITOR.username, active=active))
            assert changed.status == 0, changed.err
            assert time.monotonic() - began < SOON
    service.forget_token(EDITOR)
