"""What is turned away before a view or a session: operators read why, and whoever asked is told."""

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from realtime.rare_log import RareLog
from realtime.refusals import EVERY_SECONDS, SHOWN, shown
from tests.realtime.wire import refused_with, session_of
from tests.support.api import answered
from tests.support.people import EDITOR, OPERATOR, OWNER
from tests.support.processes import eventually
from tests.support.proxies import Nginx
from tests.support.raw_http import RawHttp, head
from tests.support.sockets import Socket
from tests.support.stack import Stack

# --- The log --------------------------------------------------------------------------------------


def test_of_a_kind_there_is_one_line_a_minute_and_it_counts_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 0.0
    log = RareLog(logging.getLogger("test"), EVERY_SECONDS, lambda: now)
    with caplog.at_level(logging.WARNING):
        for second in range(100):
            now = float(second)
            log.warning("origin", "Origin number %d", second)
        log.warning("host", "Host 'x'")
    assert [record.getMessage() for record in caplog.records] == [
        "Origin number 0",
        "Origin number 60 (59 more of this kind since the last such line)",
        "Host 'x'",
    ]


def test_what_a_client_sent_makes_neither_lines_nor_megabytes_of_log() -> None:
    assert "\n" not in shown("a\r\nb")
    assert len(shown("x" * 100_000)) < SHOWN + 10


# --- From outside: each kind, its line, and its answer --------------------------------------------


def refused_socket(url: str, origin: str | None = None) -> tuple[int, str]:
    """Status and body of a handshake that is refused."""
    with pytest.raises(InvalidStatus) as caught:
        connect(url, proxy=None, origin=Origin(origin) if origin else None)
    response = caught.value.response
    return response.status_code, (response.body or b"").decode()


def closed_with(url: str, token: str | None = None) -> int:
    """The code with which a socket is closed that has said nothing yet."""
    with Socket(url, token=token) as socket:
        return socket.wait_closed()


@pytest.fixture
def line(own_stack: Stack) -> Callable[..., str]:
    """The one line of the first gateway's log that holds these words."""

    def found(*words: str) -> str:
        def lines() -> list[str]:
            return [
                one for one in own_stack.first.log.read_text().splitlines() if all(w in one for w in words)
            ]

        eventually(lines, what=f"a line with {words}")
        assert len(lines()) == 1
        return lines()[0]

    return found


@pytest.mark.settings(MAX_CONNECTIONS_PER_ADDRESS="1", API_CALLS_PER_MINUTE="200")
def test_each_kind_of_refusal_is_one_line_and_a_short_answer(
    own_stack: Stack, line: Callable[..., str]
) -> None:
    gateway, foreign = own_stack.first, "http://foreign.example"
    for _ in range(3):
        status, body = refused_socket(f"{gateway.ws_url}ws", origin=foreign)
        assert (status, "origin" in body) == (403, True)
    assert f"127.0.0.1:{gateway.port}" in line("refused", foreign, "CORS_ORIGIN")
    engine = httpx.get(
        f"{gateway.http_url}/socket.io/?EIO=4&transport=polling", headers={"Origin": foreign}, timeout=10
    )
    assert (engine.status_code, "origin" in engine.text) == (403, True)

    rebound = {"Host": "not-listed.example"}
    events = "/api/projects/00000000-0000-4000-8000-000000000000/events/"
    for path in ("/api/realtime/", "/api/nothing/", events):
        answer = httpx.get(gateway.http_url + path, headers=rebound, timeout=10)
        assert answered(answer, 400)["code"] == "bad-request"
        assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/projects", "/static/projects/icon.svg", "/socket.io/?EIO=4&transport=polling"):
        page = httpx.get(gateway.http_url + path, headers=rebound, timeout=10)
        assert (page.status_code, page.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    line("refused", "not-listed.example", "ALLOWED_HOSTS")
    assert httpx.get(f"{gateway.http_url}/health", headers=rebound, timeout=10).status_code == 200

    assert refused_socket(f"{gateway.ws_url}nowhere")[0] == 404
    assert "/ws" in line("refused", "/nowhere")
    assert "without completing handshake" not in gateway.log.read_text()

    with connect(gateway.ws_url, proxy=None) as first, connect(gateway.ws_url, proxy=None) as second:
        assert "hello" in str(first.recv(timeout=5))
        second.recv(timeout=5)
        with pytest.raises(Exception, match="4503"):
            second.recv(timeout=5)
    line("refused", "MAX_CONNECTIONS_PER_ADDRESS")

    own_stack.console("block", "127.0.0.1", "--hours", "1")
    try:
        assert httpx.get(f"{gateway.http_url}/api/realtime/", timeout=10).status_code == 403
        assert "block --list" in line("refused", "127.0.0.1", "operators")
    finally:
        own_stack.console("block", "--lift", "127.0.0.1")


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(
    MAX_CONNECTIONS="3",
    MAX_CONNECTIONS_PER_USER="1",
    HANDSHAKES_PER_MINUTE="12",
    API_CALLS_PER_MINUTE="5",
    METRICS_NETWORKS="192.0.2.0/24",
)
def test_each_limit_and_rule_that_keeps_somebody_out_is_named_in_a_line(
    own_stack: Stack, line: Callable[..., str]
) -> None:
    gateway = own_stack.first
    own_stack.socket(OWNER)
    assert closed_with(gateway.ws_url, own_stack.token(OWNER)) == 4503
    line("refused", "a socket from '127.0.0.1'", "MAX_CONNECTIONS_PER_USER is reached")
    for person in (EDITOR, None):
        own_stack.socket(person)
    assert closed_with(gateway.ws_url) == 4503
    line("refused", "a socket from '127.0.0.1'", "MAX_CONNECTIONS is reached")
    own_stack.close_clients()

    with session_of(gateway.http_url, OPERATOR) as browser:
        cookie = f"sessionid={browser.cookies['sessionid']}"
    assert refused_with(gateway.ws_url, headers={"Cookie": cookie}) == 403
    line("refused", "a session cookie without an Origin", "an Origin is sent")

    raw_head = head("GET", "/ws", f"127.0.0.1:{gateway.port}", Origin="a").removesuffix(b"\r\n")
    with RawHttp(gateway.http_url) as raw:
        raw.send(raw_head, b"Origin: b\r\n\r\n")
        assert raw.answer().status == 400
    line("refused", "origin in several lines", "one line only")

    assert httpx.get(f"{gateway.http_url}/metrics", timeout=10).status_code == 403
    line("refused", "'/metrics'", "METRICS_NETWORKS")

    assert own_stack.console("strict", "on").status == 0
    eventually(lambda: closed_with(gateway.ws_url) == 4403, what="strict mode to be in force")
    line("refused", "a socket from '127.0.0.1'", "strict mode calls for an Origin")
    eventually(lambda: closed_with(gateway.ws_url) == 4429, what="the last handshake of the minute")
    line("refused", "a socket from '127.0.0.1'", "HANDSHAKES_PER_MINUTE")

    api = own_stack.api(None)
    eventually(lambda: api.get("/api/projects/").status_code == 429, what="the last call of the minute")
    line("refused", "a call or page of", "API_CALLS_PER_MINUTE")


@pytest.mark.parametrize(
    "handed_on",
    ["", "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;"],
    ids=["no upgrade", "HTTP/1.0"],
)
def test_a_proxy_that_drops_the_upgrade_is_told_of_as_such(
    stack: Stack, tmp_path: Path, handed_on: str
) -> None:
    """Else whoever set it up sees a 404, and looks for the fault at the address."""
    location = f"location / {{ proxy_pass {stack.first.http_url}; {handed_on} }}"
    with Nginx(f"server {{ listen 127.0.0.1:@PORT@; {location} }}", tmp_path) as nginx:
        status, body = refused_socket(f"{nginx.ws_url}ws")
    assert status == 426
    assert "Upgrade" in body
    eventually(lambda: "without Upgrade at /ws" in stack.first.log.read_text(), what="a line in the log")


@pytest.mark.parametrize("name", ["Host", "Origin", "Authorization"])
@pytest.mark.parametrize(
    "upgrade", ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"], ids=["http", "socket"]
)
def test_two_lines_of_what_stands_once_are_refused(stack: Stack, name: str, upgrade: str) -> None:
    """Sockets would go by the last one, and Django by both."""
    parts = urlsplit(stack.first.http_url)
    key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n" if upgrade else ""
    host = "" if name == "Host" else f"Host: {parts.netloc}\r\n"
    twice = f"{name}: {parts.netloc}\r\n" * 2
    with socket.create_connection((parts.hostname, parts.port), 10) as raw:
        raw.sendall(f"GET /ws HTTP/1.1\r\n{host}{twice}{upgrade}{key}\r\n".encode())
        assert raw.recv(4096).startswith(b"HTTP/1.1 400")
