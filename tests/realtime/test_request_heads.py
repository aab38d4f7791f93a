"""Heads of requests: their bounds in size, number and time, and the answer of whoever exceeds them.

They go to an application of the tests' own behind the gateway's protocol classes, which says what it got.
"""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from realtime import http_protocol, websocket_protocol
from realtime.http_protocol import MAX_PIPELINED
from realtime.request_heads import MAX_HEAD_BYTES, MAX_HEADER_LINES, MAX_TARGET_BYTES
from realtime.unread_answers import ReaderWatch
from tests.support.asgi_server import RawConnection, serving
from tests.support.processes import eventually

KEY = b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
ACCEPT = b"sec-websocket-accept: "
VERSION = b"Sec-WebSocket-Version: 13\r\n"
UPGRADE = b"Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
HANDSHAKE = UPGRADE + KEY + VERSION
TEXT = b"\x81\x85\0\0\0\0hello"  # masked with zeros
PING = b"\x89\x81\0\0\0\0?"
PONG = b"\x8a\x01?"
LARGE_ANSWER = 20_000_000  # bytes: the system keeps some millions of them for both sides


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Says what it was asked: late on /slow, long on /large, at the end on /poll, not at all on /never."""
    if scope["type"] == "websocket":
        await answer_socket(scope, receive, send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            left.append(scope["path"])
            return
        body += message["body"]
        more = message["more_body"]
    if scope["path"] == "/late":
        answered.append("begun")
        await asyncio.sleep(0.3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})
        answered.append("done")
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    if scope["path"] == "/poll":
        await receive()
        left.append(scope["path"])
        return
    if scope["path"] == "/large":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * LARGE_ANSWER, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        left.append(scope["path"])
        return
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    said = {"method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode()}
    answer = json.dumps({**said, "body": body.decode(), "headers": headers}).encode()
    length = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": answer})


async def answer_socket(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    if scope["path"] == "/never":
        await receive()
        return
    await asyncio.sleep(0.05)  # what is sent behind the handshake is there by now
    await send({"type": "websocket.accept", "subprotocol": (scope["subprotocols"] or [None])[-1]})
    said = {"path": scope["path"], "headers": len(scope["headers"]), "offered": scope["subprotocols"]}
    await send({"type": "websocket.send", "text": json.dumps(said)})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": "got " + message["text"]})


left: list[str] = []
answered: list[str] = []


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(application) as port:
        yield port


def answers(port: int, *parts: bytes) -> bytes:
    """All that the server says to this, until it closes; each part is a segment of its own."""
    with RawConnection(port) as raw:
        for part in parts:
            raw.send(part)
        return raw.read_all()


def asked(answer: bytes) -> dict[str, Any]:
    """What the application says it was asked, by the last answer."""
    said: dict[str, Any] = json.loads(answer.rpartition(b"\r\n\r\n")[2])
    return said


def request(first: bytes, *lines: bytes) -> bytes:
    return b"".join([first, b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n", *lines, b"\r\n"])


# --- bounds -----------------------------------------------------------------------------------------------

COOKIE = b"Cookie: a=%b\r\n"
LARGE = {
    "one cookie of 9 kB": COOKIE % (b"x" * 9000),
    "16 kB in all": (COOKIE % (b"x" * 4000)) * 4,
    "one header of 60 kB": b"X: %b\r\n" % (b"x" * 60_000),
    "250 lines": b"X: y\r\n" * 250,
}


@pytest.mark.parametrize("name", LARGE)
def test_large_heads_are_taken_as_a_request_and_as_a_handshake(port: int, name: str) -> None:
    lines = LARGE[name].count(b"\r\n")
    assert len(asked(answers(port, request(b"GET /", LARGE[name])))["headers"]) == lines + 2
    with RawConnection(port) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, LARGE[name], b"\r\n")
        assert b'"headers": %d' % (lines + 5) in raw.read_until(b"}")


@pytest.mark.parametrize("blanks", [b" ", b"\t", b" \t "])
def test_blanks_behind_a_value_are_no_part_of_it(port: int, blanks: bytes) -> None:
    said = request(b"POST /", b"Content-Length: 3", blanks, b"\r\nX: y", blanks, b"\r\n") + b"abc"
    answer = asked(answers(port, said))
    assert answer["body"] == "abc"
    assert ["x", "y"] in answer["headers"]
    with RawConnection(port) as raw:
        lines = [line + blanks for line in HANDSHAKE.split(b"\r\n")[:-1]]
        raw.send(b"\r\n".join([b"GET /ws HTTP/1.1", *lines, b"", b""]))
        assert b"HTTP/1.1 101" in raw.read_until(b"}")


def test_who_speaks_http_1_0_is_not_told_to_go_on(port: int) -> None:
    said = b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"
    assert answers(port, said).startswith(b"HTTP/1.1 200 ")
    waiting = said.replace(b"HTTP/1.0", b"HTTP/1.1").replace(b"Length", b"Length", 1)
    host = waiting.replace(b"Expect", b"Host: h\r\nConnection: close\r\nExpect")
    assert answers(port, host).startswith(b"HTTP/1.1 100 ")


FIRST = b"GET / HTTP/1.1\r\nHost: h\r\n"
TOO_LARGE = {
    "a header line": (431, FIRST + b"X: " + b"x" * 2 * MAX_HEAD_BYTES),
    "the name of a header": (431, FIRST + b"x" * 2 * MAX_HEAD_BYTES + b": y"),
    "all header lines": (431, FIRST + b"X: %b\r\n" % (b"x" * 1000) * 100),
    "the number of lines": (431, FIRST + b"X: y\r\n" * (MAX_HEADER_LINES + 10)),
    "those of a handshake": (
        431,
        b"GET /ws HTTP/1.1\r\n" + HANDSHAKE + b"X: y\r\n" * (MAX_HEADER_LINES + 10),
    ),
    "the target": (414, b"GET /" + b"x" * 2 * MAX_TARGET_BYTES + b" HTTP/1.1\r\n"),
    "a handshake's target": (414, b"GET /" + b"x" * 2 * MAX_TARGET_BYTES + b" HTTP/1.1\r\n" + HANDSHAKE),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_heads_beyond_the_bounds_are_refused_with_the_reason(port: int, name: str) -> None:
    """Whole, and in parts that never end."""
    status, head = TOO_LARGE[name]
    for parts in ([head + b"\r\n\r\n"], [head[at : at + 8000] for at in range(0, len(head), 8000)]):
        answer = answers(port, *parts)
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer
        assert b"at most" in answer.rpartition(b"\r\n\r\n")[2]


REFUSED = {
    "too many lines": (431, b"/ HTTP/1.1\r\n" + b"X: y\r\n" * (MAX_HEADER_LINES + 10)),
    "a long target": (414, b"/" + b"x" * 2 * MAX_TARGET_BYTES),
    "no target of ours": (400, b"nowhere HTTP/1.1\r\nHost: h\r\n\r\n"),
    "no header": (400, b"/ HTTP/1.1\r\nHost: h\r\nno header\r\n\r\n"),
    "another version": (505, b"/ HTTP/2.0\r\nHost: h\r\n\r\n"),
    "a chunk that is none": (400, b"/ HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_has_a_body_but_for_head(port: int, name: str) -> None:
    """Its length stands in the head all the same (RFC 9110, section 9.3.2)."""
    status, rest = REFUSED[name]
    bodies = {}
    for method in (b"HEAD", b"PUT"):
        head, _, body = answers(port, method + b" " + rest).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status), head
        bodies[method] = body
    assert bodies[b"HEAD"] == b""
    assert b"content-length: %d\r\n" % len(bodies[b"PUT"]) in head + b"\r\n"


def test_what_is_refused_behind_a_head_has_a_body(port: int) -> None:
    with RawConnection(port) as raw:
        raw.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
        raw.read_until(b"\r\n\r\n")
        raw.send(b"\0 is no method\r\n\r\n")
        assert b"HTTP/1.1 400" in raw.read_until(b"HTTP/1.1 request")


def test_trailers_are_no_headers_and_have_the_same_bounds(port: int) -> None:
    chunked = b"Transfer-Encoding: chunked\r\n"
    body = b"2\r\nab\r\n0\r\nAuthorization: Bearer x\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
    got = asked(answers(port, request(b"POST /", chunked) + body))
    assert got["body"] == "ab"
    assert {name for name, _ in got["headers"]} == {"host", "connection", "transfer-encoding"}
    endless = b"2\r\nab\r\n0\r\n" + b"X: " + b"x" * 2 * MAX_HEAD_BYTES
    parts = [endless[at : at + 8000] for at in range(0, len(endless), 8000)]
    assert answers(port, request(b"POST /", chunked), *parts).startswith(b"HTTP/1.1 431 ")


# --- time -------------------------------------------------------------------------------------------------


def test_a_head_that_comes_too_slowly_is_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.2)
    for start in (b"G", b"GET / HTTP/1.1\r\nHost", b"GET /ws HTTP/1.1\r\n" + UPGRADE):
        assert answers(port, start).startswith(b"HTTP/1.1 408 ")
    with RawConnection(port) as raw:  # after a request, too
        raw.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /")
        assert b"HTTP/1.1 408 " in raw.read_all()


def test_requests_ahead_of_their_answers_are_bounded(port: int) -> None:
    """Each takes memory until its turn comes."""
    ahead = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with RawConnection(port) as raw:
        raw.send(ahead * MAX_PIPELINED)
        raw.send(request(b"GET /last"))
        assert raw.read_all().count(b"HTTP/1.1 200 ") == MAX_PIPELINED + 1
    answer = answers(port, ahead * 20 * MAX_PIPELINED)
    assert MAX_PIPELINED <= answer.count(b"HTTP/1.1 200 ") <= MAX_PIPELINED + 1
    assert answer.count(b"HTTP/1.1 429 ") == 1


def test_who_does_not_read_a_large_answer_is_cut_off(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes memory for as long as it waits. Who reads slowly gets all of it."""
    monkeypatch.setattr(ReaderWatch, "SECONDS", 1.0)
    monkeypatch.setattr(ReaderWatch, "LEAST_BYTES", 50_000)
    asked = b"GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    with RawConnection(port) as raw:
        raw.send(asked)
        left.clear()
        eventually(lambda: left, what="the answer to be given up")
        assert len(raw.read_all()) < LARGE_ANSWER
    with RawConnection(port) as raw:
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        raw.send(asked)
        found, between = 0, threading.Event()
        while received := raw.socket.recv(65_536):
            found += len(received)
            between.wait(0.01)
        assert found > LARGE_ANSWER


def test_nothing_is_logged_for_a_client_that_has_gone(port: int, caplog: pytest.LogCaptureFixture) -> None:
    """With a request behind the one that is being answered: of the loss the server tells the last alone."""
    answered.clear()
    with RawConnection(port) as raw:
        raw.send(b"GET /late HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
        eventually(lambda: answered == ["begun"], what="the first to be under way")
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    eventually(lambda: answered == ["begun", "done"], what="the first to be answered")
    assert [record.getMessage() for record in caplog.records] == []


def test_a_connection_on_which_nothing_comes_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(application, timeout_keep_alive=0.2) as port:
        assert answers(port) == b""
        assert answers(port, b"\r\n") == b""
        with RawConnection(port) as raw:
            raw.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert raw.read_all().startswith(b"HTTP/1.1 200 ")
        with RawConnection(port) as raw:
            raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n")
            raw.read_until(b"}")
            raw.socket.settimeout(0.4)
            with pytest.raises(TimeoutError):  # a socket stays
                raw.socket.recv(1)


def test_a_handshake_that_the_application_does_not_answer_ends(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_protocol, "HANDSHAKE_SECONDS", 0.2)
    assert answers(port, b"GET /never HTTP/1.1\r\n", HANDSHAKE, b"\r\n").startswith(b"HTTP/1.1 503 ")
