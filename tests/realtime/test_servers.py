"""The same protocol on every server: uvicorn, daphne a flag away, and Django's own `runserver`."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from django.core.management import CommandError
from websockets.sync.client import connect

from realtime.management.commands.gateway import Command
from tests.realtime.wire import forged, refused_with, session_of
from tests.support.api import Api, answered, log_in
from tests.support.asgi_server import RawConnection
from tests.support.boards import Board
from tests.support.environment import environment
from tests.support.gateway import START_SECONDS, answers
from tests.support.people import OPERATOR, OUTSIDER, OWNER, VIEWER
from tests.support.processes import ROOT, Server, eventually, free_port
from tests.support.raw_http import RawHttp, chunks, head
from tests.support.sockets import Socket
from tests.support.stack import Templates

COMMANDS = {
    "uvicorn": ["gateway", "--host", "127.0.0.1", "--web-port", "0", "--port"],
    "daphne": ["gateway", "--server", "daphne", "--host", "127.0.0.1", "--web-port", "0", "--port"],
    "runserver": ["runserver", "--noreload"],
}


class Served:
    """One process on a database of its own, and the people who use it."""

    def __init__(self, name: str, database_url: str, folder: Path) -> None:
        self.port = port = free_port()
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}/"
        settings = {
            "DATABASE_URL": database_url,
            "CORS_ORIGIN": "http://localhost:3001",
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        self.process = Server(
            [sys.executable, str(ROOT / "manage.py"), *COMMANDS[name], str(port)],
            log=folder / f"{name}.log",
            environment=environment(settings),
            ready=partial(answers, f"{self.url}/ready"),
            start_seconds=START_SECONDS,
        ).wait_ready()
        self.tokens = {person: log_in(self.url, person) for person in (OWNER, VIEWER, OUTSIDER)}
        self.api = Api(self.url, self.tokens[OWNER])

    def stop(self) -> None:
        self.api.close()
        self.process.stop()


@pytest.fixture(scope="module", params=COMMANDS)
def served(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    started = Served(request.param, templates.copy("embedded"), tmp_path_factory.mktemp(request.param))
    yield started
    started.stop()


@pytest.fixture
def board(served: Served) -> Board:
    return Board(served.api)


def test_pages_api_health_and_socket_are_on_the_one_port(served: Served) -> None:
    assert httpx.get(f"{served.url}/health", timeout=10).json()["status"] == "healthy"
    assert httpx.get(f"{served.url}/admin/login/", timeout=10).status_code == 200
    assert httpx.get(f"{served.url}/static/admin/css/base.css", timeout=10).status_code == 200
    with Socket(served.ws_url, token=served.tokens[OWNER]) as socket:
        assert socket.next()["data"]["user"]["username"] == OWNER.username


def test_one_byte_of_a_file_may_be_asked_for(served: Served) -> None:
    """As downloaders do that want to know its length; the whole may be the answer."""
    answer = httpx.get(f"{served.url}/static/projects/board.css", headers={"Range": "bytes=0-0"}, timeout=10)
    assert answer.status_code in (200, 206)


def test_clients_are_told_a_port_at_which_somebody_serves(served: Served) -> None:
    told = httpx.get(f"{served.url}/api/realtime/", timeout=10).json()["websocketUrl"]
    assert told in (served.ws_url, f"{served.ws_url}ws")


def test_a_body_in_chunks_is_read_and_two_framings_are_refused(served: Served, board: Board) -> None:
    sent = {"Content_Type": "application/json", "Authorization": f"Bearer {served.tokens[OWNER]}"}
    path, body = f"{board.path}/tasks/", chunks(b'{"title":"Whole"}')
    for framing, statuses in (
        ({}, {201}),
        ({"Content_Encoding": "gzip"}, {415}),
        ({"Content_Length": "0"}, {400}),
    ):
        with RawHttp(served.url) as door:
            door.send(head("POST", path, door.host, Transfer_Encoding="chunked", **sent, **framing), body)
            assert door.answer("POST").status in statuses, framing
    with RawHttp(served.url) as door:
        door.send(head("POST", path, door.host, Content_Length="3000000", **sent), b"x" * 3_000_000)
        assert door.answer("POST").status == 413
    assert [task["title"] for task in board.snapshot()["tasks"]] == ["Whole"]


def test_nothing_follows_the_head_of_an_answer_to_head(served: Served, board: Board) -> None:
    """Whatever answers, and however long a GET's body is: a client takes what follows for the next answer."""
    for number in range(10):
        board.add_task(f"Task {number}", description="x" * 2000 + "ä" * 8000)
    board.owner.get(f"{board.path}/board/")
    bearer = f"Authorization: Bearer {served.tokens[OWNER]}\r\n"
    paths = (
        *(
            "/health",
            "/metrics",
            "/nothing",
            "/ws",
            "/static/admin/css/base.css",
            "/socket.io/?EIO=3",
            "/api/x/",
        ),
        *(f"{board.path}/{name}" for name in ("tasks/", "board/", "events/", "events/?since=x")),
    )
    for path in paths:
        length = len(httpx.get(f"{served.url}{path}", headers={"Authorization": bearer[15:-2]}).content)
        with RawConnection(served.port) as raw:
            raw.send(f"HEAD {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{bearer}\r\n".encode())
            answer = raw.read_all()
        assert answer.endswith(b"\r\n\r\n"), (path, length, answer[:300])
        assert answer.count(b"\r\n\r\n") == 1


def test_a_refused_head_has_no_body_either(served: Served) -> None:
    """Refused before anything of ours has been asked, or while its body is read."""
    parts = (
        b"X: %b\r\n" % (b"x" * 70_000),
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\nContent-Length: 2\r\n",
        b"Cookie: a=b\r\nHost: other.example\r\n",
    )
    for part in parts:
        host = b"" if b"Host" in part else b"Host: 127.0.0.1\r\n"
        with RawConnection(served.port) as raw:
            raw.send(b"HEAD /api/x/ HTTP/1.1\r\n", host, b"Connection: close\r\n", part, b"\r\n{}")
            head, _, rest = raw.read_all().partition(b"\r\n\r\n")
        assert (head[:10] in (b"HTTP/1.1 4", b""), rest) == (True, b""), part


def test_a_join_replays_and_then_follows(served: Served, board: Board) -> None:
    board.add_task("Before")
    with Socket(served.ws_url, token=served.tokens[VIEWER]) as socket:
        head = socket.join(board.id, since=0)["seq"]
        for number in range(10):
            board.add_task(f"After {number}")
        socket.wait_for_seq(head + 10)
        assert socket.seqs() == list(range(1, head + 11))
        assert [frame for frame in socket.frames if "seq" in frame] == board.events()


def test_bad_frames_are_answered(served: Served) -> None:
    with Socket(served.ws_url, token=served.tokens[OWNER]) as socket:
        for bad in ("", "no JSON", "[]", "[" * 50_000, '{"event":"\\ud800"}', b"\x00", b"", '{"event":NaN}'):
            socket.send_raw(bad)
            assert socket.wait_for("error")["data"]["code"] == "bad-frame"
        assert socket.request("nonsense")["data"]["code"] == "unknown-event"
        assert socket.request("ping")["event"] == "ack"


def test_a_frame_over_64_kib_ends_the_connection(served: Served) -> None:
    """Daphne cannot say 1009; the frame is not read all the same."""
    with Socket(served.ws_url, token=served.tokens[OWNER]) as socket:
        socket.send_raw('{"event":"ping","data":{"x":"' + "x" * 65_536 + '"}}')
        assert socket.wait_closed() == (1009 if served.name == "uvicorn" else 1000)


def test_closes_carry_their_code_and_reason(served: Served) -> None:
    with Socket(served.ws_url, token=forged(served.tokens[OWNER], exp=1)) as socket:
        assert socket.wait_closed() == 4401
        assert bool(socket.connection.close_reason) == (served.name == "uvicorn")  # daphne gives none


def test_a_token_among_the_subprotocols_is_answered_by_the_protocol(served: Served) -> None:
    offered = ["devmentor.v1", f"bearer.{served.tokens[OWNER]}"]
    with Socket(served.ws_url, subprotocols=offered) as socket:
        assert socket.connection.subprotocol == "devmentor.v1"
        assert socket.next()["data"]["user"]["username"] == OWNER.username


def test_pages_of_elsewhere_and_other_addresses_are_refused_at_the_handshake(served: Served) -> None:
    assert refused_with(served.ws_url, origin="http://evil.example") == 403
    assert refused_with(served.ws_url + "nowhere") in {403, 404}


def test_what_a_proxy_says_is_read_alike(served: Served) -> None:
    said = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-For", "[2001:db8::9]:443"),
        ("X-Forwarded-Proto", "https"),
    ]
    told = httpx.get(f"{served.url}/api/realtime/", headers=said, timeout=10).json()["websocketUrl"]
    assert told == f"{served.ws_url.replace('ws:', 'wss:')}ws"
    refused = httpx.get(f"{served.url}/api/nothing/", headers=said, timeout=10)
    assert refused.status_code == 404
    assert "ip=2001:db8::9" in served.process.log.read_text()
    prefixed = httpx.get(f"{served.url}/projects/", headers={"Daphne-Root-Path": "/evil"}, timeout=10)
    assert prefixed.headers["location"] == "/projects"


def test_cookies_in_several_lines_are_read_alike(served: Served) -> None:
    with session_of(served.url, OPERATOR) as browser:
        lines = [("Cookie", f"sessionid={browser.cookies['sessionid']}"), ("Cookie", 'theme={"a":[1,2]}')]
    for fields in (lines, lines[::-1]):
        me = httpx.get(f"{served.url}/api/me/", headers=fields, timeout=10)
        assert me.json()["username"] == OPERATOR.username
        opening = connect(served.ws_url, additional_headers=[*fields, ("Origin", served.url)], proxy=None)
        with opening as socket:
            assert OPERATOR.username in str(socket.recv(timeout=5))


def test_strangers_are_told_what_they_would_hear_of_nothing(served: Served, board: Board) -> None:
    with Socket(served.ws_url, token=served.tokens[OUTSIDER]) as socket:
        answer = socket.request("project:join", {"projectId": board.id})
        assert answer["data"]["code"] == "not-found"


def test_long_polls_are_held_and_woken(served: Served, board: Board) -> None:
    head = board.seq
    with Socket(served.ws_url, token=served.tokens[VIEWER]) as socket:
        socket.join(board.id)
        board.add_task()
        socket.wait_for_seq(head + 1)
    params = {"since": head, "wait": 5000}
    assert [
        e["seq"] for e in answered(served.api.get(f"{board.path}/events/", params=params), 200)["events"]
    ] == [head + 1]


def test_a_client_that_vanishes_is_forgotten(served: Served) -> None:
    socket = Socket(served.ws_url, token=served.tokens[OWNER])
    socket.next()
    before = httpx.get(f"{served.url}/health", timeout=10).json()["connections"]
    socket.connection.socket.close()
    eventually(
        lambda: httpx.get(f"{served.url}/health", timeout=10).json()["connections"] < before,
        what="the connection to be forgotten",
    )
    socket.close()


def test_over_ipv6_clients_and_proxies_are_known_by_their_address(
    templates: Templates, tmp_path: Path
) -> None:
    command = ["gateway", "--server", "daphne", "--host", "::1", "--web-port", "0", "--port"]
    port = free_port()
    settings = {"DATABASE_URL": templates.copy("embedded"), "TRUSTED_PROXIES": "::1", "DEBUG": "false"}
    url = f"http://[::1]:{port}"
    with Server(
        [sys.executable, str(ROOT / "manage.py"), *command, str(port)],
        log=tmp_path / "ipv6.log",
        environment=environment(settings),
        ready=partial(answers, f"{url}/ready"),
        start_seconds=START_SECONDS,
    ) as process:
        said = {"X-Forwarded-For": "2001:db8::9", "X-Forwarded-Proto": "https"}
        told = httpx.get(f"{url}/api/realtime/", headers=said, timeout=10).json()["websocketUrl"]
        assert told == f"wss://[::1]:{port}/ws"
        for headers in ({}, said):
            assert httpx.get(f"{url}/api/nothing/", headers=headers, timeout=10).status_code == 404
        log = process.log.read_text()
        assert '"ip": "::1"' in log
        assert '"ip": "2001:db8::9"' in log


def test_daphne_refuses_a_unix_socket_instead_of_hanging() -> None:
    with socket.socket(socket.AF_UNIX) as listener, pytest.raises(CommandError, match="TCP sockets alone"):
        Command()._serve_with_daphne(None, [listener])


@pytest.mark.parametrize(
    "options, expected",
    [
        (["--port", "0"], "argument --port: '0': expected a whole number from 1 to 65535"),
        (["--web-port", "x"], "argument --web-port: 'x': expected a whole number from 0 to 65535"),
        (["--fd", "99"], "CommandError: --fd 99: expected a socket that this process was given"),
        (["--fd", "1"], "CommandError: --fd 1: expected a socket that this process was given"),
        (["--fd", "-1"], "CommandError: --fd -1: expected a socket that this process was given"),
    ],
)
def test_a_gateway_that_could_not_be_reached_does_not_start(options: list[str], expected: str) -> None:
    command = [sys.executable, "manage.py", "gateway", *options]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment({}), capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert expected in ended.stderr.splitlines()[-1]
    assert "Traceback" not in ended.stderr


def test_the_server_ends_when_told_and_without_a_fault(templates: Templates, tmp_path: Path) -> None:
    served = Served("daphne", templates.copy("embedded"), tmp_path)
    with Socket(served.ws_url, token=served.tokens[OWNER]) as socket:
        socket.next()
        served.api.close()
        assert served.process.stop(seconds=10) == 0
    assert "Traceback" not in served.process.tail()


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
)


def test_a_handshake_with_long_cookies_is_taken(served: Served) -> None:
    with RawConnection(served.port) as raw:
        raw.send(HANDSHAKE, b"Cookie: a=%b\r\n\r\n" % (b"x" * 9000))
        assert raw.read_until(b'"event":"hello"').startswith(b"HTTP/1.1 101 ")


def test_a_handshake_that_is_refused_does_not_hang(served: Served) -> None:
    """daphne closes without an answer where a head is too large."""
    other_version = HANDSHAKE.replace(b"Version: 13", b"Version: 7")
    large = {HANDSHAKE + b"X: %b\r\n" % (b"x" * 100_000), HANDSHAKE + b"X: y\r\n" * 600}
    for handshake in (*large, other_version):
        with RawConnection(served.port) as raw:
            raw.send(handshake, b"\r\n")
            answer = raw.read_all()
        if served.name == "uvicorn":
            assert answer.startswith(b"HTTP/1.1 431 " if handshake in large else b"HTTP/1.1 426 ")
        else:
            assert answer.startswith(b"HTTP/1.1 4") or (not answer and handshake in large)
