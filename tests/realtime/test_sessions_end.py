"""A session that ends, by whatever way, ends what it has opened: sockets, waiting polls and Socket.IO, on
every gateway, whatever Redis does.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.realtime.log_in_rig import Enter, cookie
from tests.realtime.wire import forged
from tests.support.api import answered, bearer
from tests.support.boards import Board
from tests.support.people import EDITOR, OWNER, Person
from tests.support.socketio import SocketIOClient
from tests.support.sockets import Socket
from tests.support.stack import KINDS, SharedStacks, Stack, Templates

AT_ONCE = 2.0  # what the contract allows the end of a log-in until it holds on every gateway
SLACK = 1.0  # for a busy machine
WAYS = (*KINDS, "redis paused", "redis down")
# What does not depend on the layer is seen in one process, and on two that cannot tell each other.
ALONE = pytest.mark.parametrize("running", ["embedded", "redis down"], indirect=True)
TRANSPORTS = ("polling", "websocket")
NAMES = """
from datetime import timedelta
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from projects.models import Membership, User
"""


@pytest.fixture(scope="module")
def _stacks(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStacks]:
    with SharedStacks(templates, tmp_path_factory, begin=Stack.start_console) as stacks:
        yield stacks


@pytest.fixture(params=WAYS)
def running(request: pytest.FixtureRequest, _stacks: SharedStacks) -> Iterator[Stack]:
    """A stack, with Redis up, paused, down, or none."""
    way: str = request.param
    with _stacks.lend("embedded" if way == "embedded" else "distributed", request.node.nodeid) as stack:
        if way.startswith("redis"):
            assert stack.redis is not None
            stack.redis.server.pause() if way == "redis paused" else stack.redis.server.stop()
        yield stack
        stack.close_clients()
        if way.startswith("redis"):
            assert stack.redis is not None
            stack.redis.server.resume() if way == "redis paused" else stack.redis.restart()


def hired(stack: Stack, board: Board) -> Person:
    """A user made for this test alone, an editor of the board."""
    made = Person(f"temporary-{uuid4().hex[:8]}", "Tom Temporary")
    fields = f"username={made.username!r}, password={made.password!r}"
    assert stack.python(f"from projects.services import user_create; user_create({fields})").status == 0
    answered(board.owner.post(f"{board.path}/members/", {"username": made.username, "role": "editor"}), 201)
    return made


def sql(stack: Stack, code: str) -> None:
    """Change rows as nobody announces it."""
    done = stack.python(NAMES + code)
    assert done.status == 0, done.err


# --- The end of a session -------------------------------------------------------------------------


def test_who_logs_out_loses_all_that_the_session_has_opened(running: Stack, enter: Enter) -> None:
    """In another tab: else a private board goes on showing what happens on it to whoever sits there next."""
    board = Board(running.api(OWNER))
    leaving, staying = enter(running, EDITOR), enter(running, EDITOR)
    others = [staying.socket(gateway) for gateway in running.gateways]
    others += [running.socket(EDITOR, gateway) for gateway in running.gateways]
    sockets = [leaving.socket(gateway) for gateway in running.gateways]
    for socket in sockets:
        socket.join(board.id)
    clients = [leaving.socketio(g, transport) for g in running.gateways for transport in TRANSPORTS]
    polls = [leaving.wait(gateway, board) for gateway in running.gateways]
    kept = staying.wait(running.second, board)

    leaving.submit("/logout")
    began = time.monotonic()

    for socket in sockets:
        assert socket.wait_closed(AT_ONCE + SLACK) == 4401
    for client in clients:
        client.wait_for("disconnect")
    for poll in polls:
        at, answer = poll.result(AT_ONCE + SLACK)
        assert answered(answer, 401)["code"] == "unauthenticated"
        assert at - began < AT_ONCE + SLACK
    assert time.monotonic() - began < AT_ONCE + SLACK
    for client in clients:
        refused = client.wait_for("refused")  # it comes back by itself, with the cookie that it has
        assert refused["data"]["code"] == "unauthenticated"
    for socket in others:
        assert socket.request("ping")["event"] == "ack"
    assert not kept.done()
    board.add_task()
    assert answered(kept.result(10)[1], 200)["events"]


ENDS = {
    "expires": "Session.objects.filter(pk={key!r}).update(expire_date=timezone.now())",
    "is deleted": "Session.objects.filter(pk={key!r}).delete()",
    "is cleared": "Session.objects.filter(pk={key!r}).update(expire_date=timezone.now() - timedelta(1)); "
    "call_command('clearsessions')",
    "loses its password": "User.objects.filter(username={name!r}).update(password='!')",
    "loses its user's leave": "User.objects.filter(username={name!r}).update(is_active=False)",
    "loses its user": "Membership.objects.filter(user__username={name!r}).delete(); "
    "User.objects.filter(username={name!r}).delete()",
    "ends with all others": "User.objects.filter(username={name!r}).update(log_ins_ended=7)",
}


@ALONE
def test_a_session_ends_by_whatever_way(running: Stack, enter: Enter) -> None:
    """Nobody announces these, so only the look at the database finds them."""
    board = Board(running.api(OWNER))
    leaving = {way: enter(running, hired(running, board)) for way in ENDS}
    sockets = [(way, one.socket(gateway)) for way, one in leaving.items() for gateway in running.gateways]
    polls = [(way, one.wait(gateway, board)) for way, one in leaving.items() for gateway in running.gateways]
    sql(
        running,
        "; ".join(ENDS[way].format(key=one.key, name=one.person.username) for way, one in leaving.items()),
    )
    began = time.monotonic()
    for way, socket in sockets:
        assert (way, socket.wait_closed(AT_ONCE + SLACK)) == (way, 4401)
    for way, poll in polls:
        at, answer = poll.result(AT_ONCE + SLACK)
        assert (way, answer.status_code, answer.json()["code"]) == (way, 401, "unauthenticated")
        assert at - began < AT_ONCE + SLACK
        assert "set-cookie" not in answer.headers, "whoever waited may have a new session by now"
    for one in leaving.values():
        assert answered(one.poll(running.second, board), 401)["code"] == "unauthenticated"
        headers, origin = cookie(one.key), running.second.web_url
        with Socket(running.second.ws_url, origin=origin, headers=headers) as again:
            assert again.wait_closed() == 4401


def test_who_logs_out_everywhere_is_logged_out_everywhere(stack: Stack, board: Board, enter: Enter) -> None:
    here, there = enter(stack, EDITOR), enter(stack, EDITOR)
    sockets = [browser.socket(gateway) for browser in (here, there) for gateway in stack.gateways]
    polls = [browser.wait(gateway, board) for browser in (here, there) for gateway in stack.gateways]
    sockets += [stack.socket(EDITOR, gateway) for gateway in stack.gateways]
    try:
        here.submit("/logout/everywhere")
        for socket in sockets:
            assert socket.wait_closed(AT_ONCE + SLACK) == 4401
        for poll in polls:
            answered(poll.result(AT_ONCE + SLACK)[1], 401)
    finally:
        stack.forget_token(EDITOR)


@ALONE
def test_a_session_that_goes_on_keeps_what_it_has_opened(running: Stack, enter: Enter) -> None:
    """One that is near its end and moved on keeps its key."""
    board = Board(running.api(OWNER))
    staying = enter(running, EDITOR)
    move = (
        "Session.objects.filter(pk={key!r}).update(expire_date=timezone.now() + timedelta(seconds={seconds}))"
    )
    sql(running, move.format(key=staying.key, seconds=60))
    sockets = [staying.socket(gateway) for gateway in running.gateways]
    poll = staying.wait(running.second, board)
    sql(running, move.format(key=staying.key, seconds=3600))
    other = enter(running, EDITOR)
    ended = other.socket(running.second)
    other.submit("/logout")
    assert ended.wait_closed(AT_ONCE + SLACK) == 4401  # so every log-in has been looked at since
    for socket in sockets:
        assert socket.request("ping")["event"] == "ack"
    assert not poll.done()
    board.add_task()
    answered(poll.result(10)[1], 200)


def test_a_socket_that_goes_on_by_a_token_outlives_the_session_that_opened_it(
    stack: Stack, board: Board, enter: Enter
) -> None:
    leaving = enter(stack, EDITOR)
    renewed, ended = leaving.socket(stack.second), leaving.socket(stack.second)
    assert renewed.request("auth", {"token": stack.token(EDITOR)})["event"] == "ack"
    renewed.join(board.id)
    leaving.submit("/logout")
    assert ended.wait_closed(AT_ONCE + SLACK) == 4401
    board.add_task()
    renewed.wait_for("task:created")


# --- A token that runs out ------------------------------------------------------------------------


def test_a_token_that_runs_out_ends_what_waits(stack: Stack, board: Board) -> None:
    expires = int(time.time()) + 8  # on a busy machine it takes seconds to connect
    short = forged(stack.token(EDITOR), exp=expires)
    with (
        SocketIOClient(stack.second.http_url, "websocket", short) as ended,
        SocketIOClient(stack.second.http_url, "websocket", short) as renewed,
        ThreadPoolExecutor(1) as pool,
    ):
        for client in (ended, renewed):
            assert client.event("hello")["user"]["username"] == EDITOR.username
        assert "user" in renewed.emit("auth", {"token": stack.token(EDITOR)})
        url = f"{stack.second.http_url}{board.path}/events/"
        asked = {"since": board.seq, "wait": 30_000}
        poll = pool.submit(
            lambda: (httpx.get(url, params=asked, headers=bearer(short), timeout=40), time.time())
        )
        answer, at = poll.result(20)
        assert "run out" in answered(answer, 401)["detail"]
        assert expires <= at < expires + AT_ONCE + SLACK
        ended.wait_for("disconnect")
        assert time.time() < expires + AT_ONCE + SLACK
        assert "at" in renewed.emit("ping", {})
        assert json.dumps(renewed.facts).count('"disconnect"') == 0
