"""Which requests become a WebSocket, when, and what becomes of all others: nothing that was sent is lost."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from realtime.http_protocol import refusals
from tests.realtime.test_request_heads import (
    HANDSHAKE,
    KEY,
    PING,
    PONG,
    TEXT,
    UPGRADE,
    VERSION,
    answers,
    application,
    asked,
    left,
    request,
)
from tests.support.asgi_server import RawConnection, serving
from tests.support.processes import eventually


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(application) as port:
        yield port


HOST, KEYS = b"Host: h\r\n", KEY + VERSION
CONNECTION, WEBSOCKET, H2C = b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", b"Upgrade: h2c\r\n"
EXTENSIONS = b"Sec-WebSocket-Extensions: a; b=1\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
TAKEN = {
    "capitals": b"HOST: h\r\nUPGRADE: WebSocket\r\nCONNECTION: UPGRADE\r\n" + KEYS,
    "several Connection lines": HANDSHAKE + b"Connection: keep-alive\r\n",
    "Upgrade last in its list": HOST + b"Connection: keep-alive, Upgrade\r\n" + WEBSOCKET + KEYS,
    "another protocol offered beside it": HOST + CONNECTION + H2C + WEBSOCKET + KEYS,
    "another in the same line": HOST + CONNECTION + b"Upgrade: h2c, websocket\r\n" + KEYS,
    "extensions on several lines": HANDSHAKE + EXTENSIONS,
    "a length of zero": HANDSHAKE + b"Content-Length: 0\r\n",
    "bytes in another header": HANDSHAKE + b"X: \xff\xfe\r\n",
    "no Host": CONNECTION + WEBSOCKET + KEYS,
}


@pytest.mark.parametrize("name", TAKEN)
def test_handshakes_that_are_legal_are_taken(port: int, name: str) -> None:
    with RawConnection(port) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\n", TAKEN[name], b"\r\n")
        assert raw.read_until(b"}").startswith(b"HTTP/1.1 101 ")


def test_subprotocols_on_several_lines_are_one_list(port: int) -> None:
    with RawConnection(port) as raw:
        lines = b"Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n"
        raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, lines, b"\r\n")
        seen = raw.read_until(b"}")
        assert b"sec-websocket-protocol: c\r\n" in seen.lower()
        assert b'"offered": ["a", "b", "c"]' in seen


REFUSED = {
    "no key": (400, UPGRADE + VERSION),
    "a bad key": (400, UPGRADE + VERSION + b"Sec-WebSocket-Key: short\r\n"),
    "a key that is no base64": (400, UPGRADE + VERSION + b"Sec-WebSocket-Key: \xff\r\n"),
    "two keys": (400, HANDSHAKE + KEY),
    "no version": (426, UPGRADE + KEY),
    "another version": (426, UPGRADE + KEY + b"Sec-WebSocket-Version: 8\r\n"),
    "two versions": (426, HANDSHAKE + b"Sec-WebSocket-Version: 8\r\n"),
    "a body": (400, HANDSHAKE + b"Content-Length: 2\r\n\r\nxx"),
    "chunks": (400, HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
    "subprotocols that are none": (400, HANDSHAKE + b"Sec-WebSocket-Protocol: a b\r\n"),
    "two origins": (400, HANDSHAKE + b"Origin: http://a\r\nOrigin: http://b\r\n"),
    "two hosts": (400, HANDSHAKE + b"Host: other\r\n"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_handshakes_that_are_not_are_answered_and_closed(port: int, name: str) -> None:
    status, lines = REFUSED[name]
    answer = answers(port, b"GET /ws HTTP/1.1\r\n", lines, b"\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert answer.rpartition(b"\r\n\r\n")[2].strip()
    assert (b"sec-websocket-version: 13\r\n" in answer.lower()) == (status == 426)


def test_offers_to_upgrade_that_are_not_taken_lose_no_body(port: int) -> None:
    """HTTP clients offer h2c with any request; the parser would take the body for the other protocol."""
    h2c = b"Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    length, chunked = (
        b"Content-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    )
    for offer in (h2c, b"Connection: close, Upgrade\r\nUpgrade: websocket\r\n" + KEY + VERSION):
        for body in (length, chunked):
            whole = b"PATCH /task?a=b HTTP/1.1\r\nHost: h\r\n" + offer + body
            for parts in ([whole], [whole[:-8], whole[-8:]], [whole[:40], whole[40:]]):
                got = asked(answers(port, *parts))
                assert (got["method"], got["path"], got["query"], got["body"]) == (
                    "PATCH",
                    "/task",
                    "a=b",
                    "hello",
                )
    got = asked(answers(port, b"GET /x HTTP/1.0\r\n" + HANDSHAKE + b"\r\n"))
    assert got["path"] == "/x"


def test_requests_behind_an_offer_that_is_not_taken_are_answered(port: int) -> None:
    first = (
        b"POST /1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx"
    )
    seen = answers(port, first + first + request(b"GET /2"))
    assert seen.count(b"HTTP/1.1 200 ") == 3
    assert asked(seen)["path"] == "/2"


def test_frames_behind_the_handshake_are_read_after_its_answer(port: int) -> None:
    for parts in ([b"\r\n" + PING + TEXT], [b"\r\n", PING + TEXT[:3], TEXT[3:]]):
        with RawConnection(port) as raw:
            raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, parts[0])
            for part in parts[1:]:
                raw.send(part)
            seen = raw.read_until(b"got hello")
            assert seen.startswith(b"HTTP/1.1 101 ")
            assert seen.index(b"\r\n\r\n") < seen.index(PONG)


def test_many_frames_behind_the_handshake_are_read_after_its_answer(port: int) -> None:
    frame = b"\x81\xfe\x10\x00\0\0\0\0" + b"x" * 4096
    with RawConnection(port) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n", frame * 40, TEXT)
        assert raw.read_until(b"got hello").count(b"got ") == 41


def test_a_handshake_waits_for_the_answers_before_it(port: int) -> None:
    with RawConnection(port) as raw:
        slow = b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"
        raw.send(
            slow, b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n", TEXT
        )
        seen = raw.read_until(b"got hello")
    first, second, third = (seen.index(mark) for mark in (b'"/slow"', b'"/2"', b"HTTP/1.1 101 "))
    assert first < second < third


def test_a_refusal_waits_for_the_answers_before_it(port: int) -> None:
    seen = answers(
        port,
        b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"nonsense\r\n\r\n",
    )
    assert seen.count(b"HTTP/1.1 200 ") == 2
    assert seen.index(b'"/2"') < seen.index(b"HTTP/1.1 400 ")


def test_a_body_that_breaks_is_refused_at_once_or_in_its_turn(port: int) -> None:
    broken = b"POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n"
    assert answers(port, broken).startswith(b"HTTP/1.1 400 ")
    seen = answers(port, b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n", broken)
    assert seen.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 400 " in seen


def test_who_breaks_the_protocol_hears_why_although_more_was_sent(port: int) -> None:
    """A reset would take the close frame away: a browser would see 1006, and try again."""
    too_large, reserved_bits = b"\x81\xff" + (8_000_000).to_bytes(8, "big"), b"\xf1\xfe\xea\x60"
    for header, code in ((too_large, 1009), (reserved_bits, 1002)):
        with RawConnection(port) as raw:
            raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n")
            raw.read_until(b"}")
            raw.send(header, b"x" * 8_000_000)
            assert raw.read_all()[2:4] == code.to_bytes(2, "big")


def test_what_follows_text_that_is_none_is_dropped(port: int) -> None:
    with RawConnection(port) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n")
        raw.read_until(b"}")
        raw.send(b"\x81\x81\0\0\0\0\xff", PING, TEXT)
        assert b"got" not in (seen := raw.read_all())
        assert seen.endswith((1007).to_bytes(2, "big") + b"text is UTF-8")


# --- half-closed ------------------------------------------------------------------------------------------


def test_who_sends_no_more_is_answered(port: int) -> None:
    with RawConnection(port) as raw:
        raw.send(
            b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\nPOST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
        )
        raw.end()
        seen = raw.read_all()
    assert seen.count(b"HTTP/1.1 200 ") == 2
    with RawConnection(port) as raw:
        raw.end()
        assert raw.read_all() == b""


def test_who_leaves_a_poll_is_noticed(port: int) -> None:
    left.clear()
    with RawConnection(port) as raw:
        raw.send(b"GET /poll HTTP/1.1\r\nHost: h\r\n\r\n")
        raw.end()
        assert raw.read_all() == b""
    eventually(lambda: left == ["/poll"], what="the poll to hear of it")


def test_who_sends_no_more_behind_a_handshake_gets_no_socket(port: int) -> None:
    """Nothing would tell that it has left: it would be held until it is taken for idle."""
    handshake = b"GET /ws HTTP/1.1\r\n" + HANDSHAKE + b"\r\n"
    for before in (b"", b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n"):
        with RawConnection(port) as raw:
            raw.send(before, handshake)
            raw.end()
            assert raw.read_all().count(b"HTTP/1.1 200 ") == bool(before)


def test_a_body_that_never_ends_is_a_bad_request(port: int) -> None:
    left.clear()
    with RawConnection(port) as raw:
        raw.send(b"POST /half HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf")
        raw.end()
        assert raw.read_all().startswith(b"HTTP/1.1 400 ")
    eventually(lambda: left == ["/half"], what="the application to hear of it")


# --- targets ----------------------------------------------------------------------------------------------


def test_whole_addresses_stand_for_a_path_and_a_host(port: int) -> None:
    for target, path, query in (
        (b"http://boards.example:81/a?b=c", "/a", "b=c"),
        (b"HTTPS://boards.example:81?b", "/", "b"),
        (b"http://boards.example:81", "/", ""),
    ):
        got = asked(answers(port, request(b"GET " + target)))
        assert (got["path"], got["query"]) == (path, query)
        assert [value for name, value in got["headers"] if name == "host"] == ["boards.example:81"]
    with RawConnection(port) as raw:
        raw.send(b"GET ws://boards.example/ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n")
        assert b'"path": "/ws"' in raw.read_until(b"}")


def test_an_asterisk_asks_whether_the_server_answers(port: int) -> None:
    assert answers(port, request(b"OPTIONS *")).startswith(b"HTTP/1.1 204 ")
    assert answers(port, request(b"OPTIONS http://h")).startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize(
    "status, line",
    [
        (400, b"GET * HTTP/1.1"),
        (400, b"GET http://user@h/ HTTP/1.1"),
        (400, b"GET ftp://h/ HTTP/1.1"),
        (400, b"GET http:///x HTTP/1.1"),
        (400, b"GET /a#b HTTP/1.1"),
        (400, b"GET /\xff HTTP/1.1"),
        (400, b"GET x HTTP/1.1"),
        (400, b"CONNECT h:80 HTTP/1.1"),
        (400, b"PRI * HTTP/2.0"),
        (505, b"GET / HTTP/2.0"),
        (400, b"NONSENSE / HTTP/1.1"),
        (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ],
)
def test_request_lines_that_are_none_are_refused_with_the_reason(port: int, status: int, line: bytes) -> None:
    answer = answers(port, line + b"\r\nHost: h\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer
    assert answer.rpartition(b"\r\n\r\n")[2].strip()


def test_two_hosts_are_refused(port: int) -> None:
    assert answers(port, request(b"GET /", b"Host: other\r\n")).startswith(b"HTTP/1.1 400 ")


def test_refusals_are_logged_but_not_each(port: int, caplog: pytest.LogCaptureFixture) -> None:
    refusals._logged.clear()
    for _ in range(20):
        answers(port, b"nonsense\r\n\r\n")
        answers(port, b"GET /ws HTTP/1.1\r\n", UPGRADE, VERSION, b"\r\n")
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(lines) == 2, lines
    assert json.dumps(lines).count("127.0.0.1") == 2


# --- the end of the server --------------------------------------------------------------------------------


@pytest.mark.logs_errors("timeout graceful shutdown exceeded")
def test_a_handshake_that_meets_the_end_of_the_server_is_sent_on() -> None:
    """It is no fault: a balancer sends a 503 to another server, and a client comes back."""
    reached = threading.Event()

    async def looks_credentials_up(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        reached.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    with contextlib.ExitStack() as connections:
        with serving(looks_credentials_up) as port:
            raw = connections.enter_context(RawConnection(port))
            raw.send(b"GET /ws HTTP/1.1\r\n", HANDSHAKE, b"\r\n")
            assert reached.wait(10)
        seen = raw.read_all()
    assert seen.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1\r\n" in seen.lower()
