"""A cookie that has outlived its session: whoever comes with it is told, and nobody is locked out by it."""

import re

import httpx
import pytest

from tests.realtime.log_in_rig import Enter, cookie
from tests.realtime.wire import RawSocket
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OWNER
from tests.support.sockets import Socket
from tests.support.stack import Stack


def removes_cookie(headers: httpx.Headers) -> bool:
    return any(
        line.startswith('sessionid=""') and "Max-Age=0" in line for line in headers.get_list("set-cookie")
    )


@pytest.fixture
def outlived(stack: Stack, enter: Enter) -> str:
    """The key of a session that has been logged out."""
    leaving = enter(stack, EDITOR)
    leaving.submit("/logout")
    return leaving.key


@pytest.mark.parametrize("path", ["events/", "board/", "tasks/", ""])
def test_whoever_comes_with_it_is_told_once_and_is_a_guest_then(
    stack: Stack, board: Board, outlived: str, path: str
) -> None:
    """404 would read as if the board were gone; 401 for ever would keep them from public boards."""
    public = Board(stack.api(OWNER), public=True)
    with httpx.Client(base_url=stack.second.http_url) as client:
        client.cookies.set("sessionid", outlived, domain="127.0.0.1")
        told = client.get(f"{public.path}/{path}")
        assert answered(told, 401)["code"] == "unauthenticated"
        assert removes_cookie(told.headers)
        assert answered(client.get(f"{public.path}/{path}"), 200)
        assert answered(client.get(f"{board.path}/{path}"), 404)["code"] == "not-found"


@pytest.mark.parametrize("key", ["x" * 32, "0123456789abcdefghijklmnopqrstuv", "no:key", "7"])
def test_a_cookie_of_another_program_keeps_nobody_out(stack: Stack, key: str) -> None:
    """Another site below the same domain may use the name, and we cannot take its cookie away."""
    public = Board(stack.api(OWNER), public=True)
    for path in ("events/", "board/", "tasks/"):
        answered(httpx.get(f"{stack.second.http_url}{public.path}/{path}", headers=cookie(key)), 200)
    with Socket(stack.second.ws_url, origin=stack.second.web_url, headers=cookie(key)) as socket:
        assert socket.wait_for("hello")["data"]["user"] is None
        socket.join(public.id)


def test_a_handshake_with_it_is_told_and_loses_it(stack: Stack, outlived: str) -> None:
    headers = {"Origin": stack.second.web_url, **cookie(outlived)}
    with RawSocket(stack.second.ws_url, headers) as socket:
        assert socket.status == 101
        assert re.search(rb'(?i)set-cookie: sessionid=""[^\r]*max-age=0', socket.head)
        assert socket.close_code() == 4401


def test_a_foreign_page_can_end_no_session_and_learns_of_none(stack: Stack, outlived: str) -> None:
    with RawSocket(stack.second.ws_url, {"Origin": "http://evil.example", **cookie(outlived)}) as socket:
        assert socket.status == 403
        assert b"set-cookie" not in socket.head.lower()


def test_a_session_in_which_nobody_has_logged_in_is_a_guests(stack: Stack) -> None:
    public = Board(stack.api(OWNER), public=True)
    made = stack.python(
        "from devmentor.sessions import SessionStore; import json; found = SessionStore(); "
        "found['seen'] = 1; found.save(); print(json.dumps(found.session_key))"
    )
    key = made.json()
    for path in ("events/", "board/"):
        answer = httpx.get(f"{stack.second.http_url}{public.path}/{path}", headers=cookie(key))
        answered(answer, 200)
        assert not removes_cookie(answer.headers)
    with Socket(stack.second.ws_url, origin=stack.second.web_url, headers=cookie(key)) as socket:
        assert socket.wait_for("hello")["data"]["user"] is None
        socket.join(public.id)


def test_a_token_counts_before_it(stack: Stack, board: Board, outlived: str) -> None:
    answered(stack.api(EDITOR).get(f"{board.path}/events/", headers=cookie(outlived)), 200)
    answered(stack.api(EDITOR).get(f"{board.path}/board/", headers=cookie(outlived)), 200)
