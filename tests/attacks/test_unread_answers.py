"""One address asks for large answers and reads none: they take a bounded part of the memory, all together."""

import socket
from contextlib import ExitStack

from realtime.unread_answers import MOST_BYTES
from tests.support.api import answered
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.raw_http import RawHttp, head
from tests.support.stack import Stack
from tests.support.usage import forget_peak, peak_bytes, resident_bytes

LARGE = "/static/drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js.map"
BAD = "127.0.0.2"
TIMES = 5  # as much as is allowed; the system itself holds a part


def ask_without_reading(deaf: socket.socket, gateway: Gateway) -> None:
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # else the system would take all of it
    deaf.bind((BAD, 0))
    deaf.connect(("127.0.0.1", gateway.port))
    deaf.sendall(head("GET", LARGE, "localhost"))
    assert deaf.recv(12) == b"HTTP/1.1 200"


def test_answers_that_nobody_reads_are_bounded_together(own_stack: Stack) -> None:
    gateway = own_stack.second
    with RawHttp(gateway.http_url) as http:
        http.send(head("GET", LARGE, http.host))
        size = len(http.answer().body)
    before = resident_bytes(gateway.process.pid)
    forget_peak(gateway.process.pid)
    with ExitStack() as opened:
        for _ in range(int(TIMES * MOST_BYTES / size)):
            ask_without_reading(opened.enter_context(socket.socket()), gateway)
        eventually(lambda: "who hardly reads it" in gateway.tail(), what="the first of them to be cut off")
        with RawHttp(gateway.http_url, 5, "127.0.0.3") as http:
            http.send(head("GET", LARGE, http.host))
            assert len(http.answer().body) == size
        answered(own_stack.api(OWNER, gateway).get("/api/me/"), 200)
        assert peak_bytes(gateway.process.pid) - before < 2 * MOST_BYTES  # with those that are being made
