"""A gateway that stops: nobody is thrown out all at once, and everybody is told when to come back."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from socket import create_connection

import httpx
import pytest

from tests.support.api import answered, bearer
from tests.support.boards import Board
from tests.support.engineio import Polling
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.raw_http import RawHttp
from tests.support.sockets import Socket
from tests.support.stack import Stack

WINDOW_MS = 1500


@pytest.mark.settings(DRAIN_WINDOW=str(WINDOW_MS))
def test_a_gateway_that_is_stopped_drains(own_stack: Stack, own_board: Board) -> None:
    gateway = own_stack.second
    sockets = [own_stack.socket(person) for person in (OWNER, EDITOR, VIEWER) for _ in range(4)]
    for socket in sockets:
        socket.join(own_board.id)
    asking, params = own_stack.api(OWNER, gateway), {"since": own_board.seq, "wait": 30_000}
    with ThreadPoolExecutor(len(sockets) + 1) as threads:  # reading before it begins: none is seen late
        held = threads.submit(asking.get, f"{own_board.path}/events/", params=params)
        closing = [threads.submit(_closed_at, socket) for socket in sockets]
        eventually(lambda: polls_held(gateway.http_url) == 1, what="the poll to be held")
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: _ready(gateway.http_url) == 503, seconds=1, what="/ready to say no")
        with Socket(gateway.ws_url, token=own_stack.token(OWNER)) as late:
            assert late.wait_closed() == 1012
        assert gateway.process.wait(timeout=15) == 0
        ended = time.monotonic() - began
        closed_at = [each.result() for each in closing]

    for socket in sockets:
        draining = [frame for frame in socket.frames if frame["event"] == "system:draining"]
        assert len(draining) == 1
        assert 0 <= draining[0]["data"]["reconnectAfterMs"] <= WINDOW_MS
    after = [
        frame["data"]["reconnectAfterMs"]
        for s in sockets
        for frame in s.frames
        if "reconnectAfterMs" in frame["data"]
    ]
    assert len(set(after)) > len(after) / 2
    half = min(closed_at) + WINDOW_MS / 1000 / 2  # of the drain, which on a busy machine begins late
    assert max(closed_at) > half
    assert sum(at < half for at in closed_at) in range(2, 11)
    assert ended < WINDOW_MS / 1000 + 4
    assert "Traceback" not in gateway.log.read_text()
    assert held.result().status_code == 200


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(DRAIN_WINDOW=str(WINDOW_MS))
def test_a_gateway_without_sockets_answers_for_the_whole_window(own_stack: Stack, own_board: Board) -> None:
    """A balancer asks /ready every other second, and sends a gateway that was gone at once whatever comes."""
    gateway, sent = own_stack.first, bearer(own_stack.token(OWNER))
    tasks = f"{gateway.http_url}{own_board.path}/tasks/"
    with httpx.Client(headers=sent, timeout=5) as kept:
        assert "connection" not in kept.get(tasks).headers
        began = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: _ready(gateway.http_url) == 503, seconds=1, what="/ready to say no")
        while time.monotonic() - began < WINDOW_MS / 1000 * 0.8:
            written = kept.post(tasks, json={"title": "Meanwhile"})
            assert written.status_code == 201
            assert written.headers["connection"] == "close"
    assert gateway.process.wait(timeout=15) == 0


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_a_request_that_has_begun_is_answered_before_the_end(own_stack: Stack) -> None:
    gateway = own_stack.first
    with RawHttp(gateway.http_url) as kept:
        kept.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: _is_refused(gateway.port), seconds=10, what="it to take no more connections")
        kept.send(b"\r\n")
        answer = kept.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert gateway.process.wait(timeout=15) == 0


def _is_refused(port: int) -> bool:
    try:
        create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


def polls_held(url: str) -> float:
    return read_metric(url, "polling_waiting_requests")


def _ready(url: str) -> int:
    answer = httpx.get(f"{url}/ready", timeout=5)
    if answer.status_code == 503:
        assert answer.json()["status"] == "not-ready"
        assert answer.json()["checks"]["draining"] is True
    return answer.status_code


def _closed_at(socket: Socket) -> float:
    """When it was closed to come back."""
    assert socket.wait_closed(seconds=15) == 1012
    return time.monotonic()


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(DRAIN_WINDOW="60000")
def test_an_operator_at_the_keyboard_does_not_wait_for_the_window(own_stack: Stack) -> None:
    """Ctrl-C is 1001, we are gone; a second signal during a drain ends it at once."""
    socket = own_stack.socket(OWNER)
    began = time.monotonic()
    own_stack.first.process.send_signal(signal.SIGINT)
    assert socket.wait_closed() == 1001
    assert own_stack.first.process.wait(timeout=10) == 0
    assert time.monotonic() - began < 8

    again = own_stack.add_gateway()
    second = own_stack.socket(OWNER, again)
    with Polling(again.http_url) as polling:
        polling.let_in(own_stack.token(OWNER))
        again.process.send_signal(signal.SIGTERM)
        second.wait_for("system:draining")
        polling.wait_for(lambda packet: "system:draining" in packet)
        told_at = time.monotonic()
        held = polling.begin_poll()
        eventually(lambda: time.monotonic() > told_at + 1.1, what="the next to be no repetition of the first")
        again.process.send_signal(signal.SIGTERM)
        cut = held.answer()
    assert (cut.status, cut.headers["retry-after"]) == (503, "2")
    assert again.process.wait(timeout=10) == 0
    assert "Traceback" not in again.log.read_text()


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_what_is_written_while_a_gateway_is_away_is_there_for_who_comes_back(own_stack: Stack) -> None:
    board = Board(own_stack.api(OWNER))
    socket = own_stack.socket(EDITOR, own_stack.second)
    last = socket.join(board.id)["seq"]
    own_stack.second.kill()
    for number in range(20):
        board.add_task(f"Meanwhile {number}")
    back = own_stack.socket(EDITOR, own_stack.first)
    back.join(board.id, since=last)
    back.wait_for_seq(last + 20)
    assert back.seqs() == list(range(last + 1, last + 21))
    assert answered(board.owner.get("/ready"), 200)["checks"]["channelLayer"] == "ok"
