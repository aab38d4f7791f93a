"""Requests made to break something: each gets an answer of its own, and no 500."""

import base64
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.realtime.wire import RawSocket
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.metrics import read_metric
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

DEEP = "[" * 100_000
NESTED = "[" * 300 + "]" * 300  # read by a parser that allows 1024 levels, written by none beyond 254
HEADERS: dict[str, dict[bytes, bytes]] = {
    "a token nested deeply": {b"Authorization": b"Bearer " + base64.b64encode(b"[" * 2900) + b".e30.AAAA"},
    "an endless token": {b"Authorization": b"Bearer " + b"x" * 20_000},
    "a token of bytes": {b"Authorization": b"Bearer \xff\xfe\xfd"},
    "a session with a nul": {b"Cookie": b'sessionid="\\000aaaaaaaaaaaaaaaa"'},
    "a session of bytes": {b"Cookie": b"sessionid=\xff\xfe" * 20},
    "a referer that is no address": {b"Referer": b"http://["},
    "an origin that is no address": {b"Origin": b"http://["},
    "an origin of bytes": {b"Origin": b"\xff\xfe"},
    "forwarded by nonsense": {
        b"X-Forwarded-For": b"nonsense, \xff, ::1, 1.2.3.4:99",
        b"X-Forwarded-Proto": b"x",
    },
    "a host of another": {b"Host": b"evil.example"},
    "a host that is none": {b"Host": b"[::"},
}
PATHS = [
    "/api/me/",
    "/api/realtime/",
    "/api/projects/",
    "/login",
    "/projects",
    "/health",
    "/ready",
    "/api/nothing",
]


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers_break_nothing(stack: Stack, board: Board, name: str) -> None:
    headers = HEADERS[name]
    for path in (*PATHS, f"{board.path}/board/", f"{board.path}/events/"):
        answer = httpx.get(stack.first.http_url + path, headers=headers, timeout=20)
        assert answer.status_code < 500, (path, answer.text[:500])


BODIES: dict[str, str | bytes] = {
    "deep": DEEP,
    "nested": f'{{"name":{NESTED}}}',
    "an extra field, nested": f'{{"name":"x","x":{NESTED}}}',
    "NaN": '{"name":NaN}',
    "a lone surrogate": '{"name":"\\ud800"}',
    "a nul": '{"name":"a\\u0000b"}',
    "a huge number": '{"name":1e999}',
    "twice the same key": '{"name":"a","name":["b"]}',
    "an array": "[1]",
    "text": '"x"',
    "nothing": "",
    "no JSON": "name=x",
    "no UTF-8": b'{"name":"\xff"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies_are_bad_requests(stack: Stack, board: Board, name: str) -> None:
    """With and without an Idempotency-Key, which makes the gateway write the body down."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {stack.token(OWNER)}"}
    service = {**headers, "Authorization": f"Bearer {issue('ai', TokenType.SERVICE, 60)}"}
    for path, sent in (
        ("/api/projects/", headers),
        ("/api/projects/", {**headers, "Idempotency-Key": f"hostile {name}".replace(" ", "-")}),
        (f"{board.path}/tasks/", headers),
        (f"{board.path}/publish/", service),
        ("/api/auth/token/", {"Content-Type": "application/json"}),
        ("/api/auth/token/refresh/", {"Content-Type": "application/json"}),
    ):
        answer = httpx.post(stack.first.http_url + path, content=BODIES[name], headers=sent, timeout=20)
        assert answer.status_code in (400, 422), (path, sent, answer.status_code, answer.text[:500])
        assert answer.json()["code"]


@pytest.mark.parametrize("data", [f'{{"x":{NESTED}}}', '{"x":"\\u0000"}', '{"x":18446744073709551615}'])
def test_hostile_data_of_a_service_end_at_the_gateway(stack: Stack, board: Board, data: str) -> None:
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {issue('ai', TokenType.SERVICE, 60)}",
    }
    body = f'{{"event":"ai:x","data":{data}}}'
    answer = httpx.post(
        f"{stack.first.http_url}{board.path}/publish/", content=body, headers=headers, timeout=20
    )
    assert answer.status_code in (201, 400), answer.text[:500]
    assert board.events()[-1]["event"] in ("ai:x", "member:added")


def test_another_kind_of_body_is_told_what_is_expected(stack: Stack) -> None:
    headers = {"Authorization": f"Bearer {stack.token(OWNER)}", "Content-Type": "application/xml"}
    answer = httpx.post(f"{stack.first.http_url}/api/projects/", content="<x/>", headers=headers, timeout=20)
    assert answered(answer, 415)["code"] == "unsupported-media-type"


UPGRADE = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
KEY = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
RAW = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50,
    "an endless header": b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "a path of bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "two lengths": b"POST /api/me/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "a handshake without a key": b"GET / HTTP/1.1\r\nHost: x\r\n" + UPGRADE + b"\r\n",
    "a handshake of bytes": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n" + UPGRADE + KEY + b"\r\n",
    "a handshake with a body": (
        b"POST / HTTP/1.1\r\nHost: x\r\n" + UPGRADE + KEY + b"Content-Length: 2\r\n\r\nxx"
    ),
}


@pytest.mark.parametrize("name", RAW)
def test_bytes_that_are_no_request_cost_their_own_connection_only(stack: Stack, name: str) -> None:
    """Beside them a socket that was open before stays open."""
    witness = stack.socket(OWNER, stack.first)
    parts = urlsplit(stack.first.http_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as raw:
        try:
            raw.sendall(RAW[name])
            raw.shutdown(socket.SHUT_WR)
            first = raw.recv(4096)
        except ConnectionError:
            first = b""
    assert not first.startswith(b"HTTP/1.1 5"), first
    assert witness.request("ping")["event"] == "ack"
    assert httpx.get(f"{stack.first.http_url}/health", timeout=10).status_code == 200


def test_a_flood_of_handshakes_that_never_finish_leaves_the_gateway_answering(stack: Stack) -> None:
    parts = urlsplit(stack.first.http_url)
    half_open = [
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) for _ in range(100)
    ]
    for each in half_open:
        each.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    assert stack.socket(OWNER, stack.first).request("ping")["event"] == "ack"
    for each in half_open:
        each.close()


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_a_client_that_reads_nothing_is_cut_off_and_others_hear_on(stack: Stack, board: Board) -> None:
    """Its events would pile up in the gateway's memory; it finds them in the log when it comes back."""
    before = slow_consumers(stack)
    quick = stack.socket(OWNER)
    head = quick.join(board.id)["seq"]
    bearer = {"Authorization": f"Bearer {stack.token(OWNER)}"}
    service = {"Authorization": f"Bearer {issue('ai', TokenType.SERVICE, 600)}"}
    body = {"event": "ai:x", "data": {"text": "x" * 60_000}}
    with RawSocket(stack.first.ws_url, bearer, receive_buffer=4096) as slow:
        slow.send(1, f'{{"event":"project:join","data":{{"projectId":"{board.id}"}}}}'.encode())
        with httpx.Client(base_url=stack.first.http_url, headers=service, timeout=20) as client:
            for number in range(1, 121):
                assert client.post(f"{board.path}/publish/", json=body).status_code == 201
                quick.wait_for_seq(head + number, seconds=1)
        eventually(lambda: slow_consumers(stack) > before, seconds=12, what="the slow one to be cut off")
    assert quick.seqs() == list(range(head + 1, head + 121))


def slow_consumers(stack: Stack) -> float:
    return read_metric(stack.first.http_url, "websocket_slow_consumers_total")
