"""Socket.IO clients that leave, or never come: none is counted, shown or held for longer than it is there."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.api import log_in
from tests.support.console import Console
from tests.support.engineio import Polling, path, websocket
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.impatient import CONNECT_SECONDS
from tests.support.metrics import read_metric
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.raw_http import RawHttp, head
from tests.support.sockets import Socket
from tests.support.stack import Templates

MOST, MOST_OF_AN_ADDRESS = 6, 3
GONE_SECONDS = 6.0  # the time that the slowest of them has, and room for a busy machine


class Service:
    """A gateway, by default one whose clients have little time."""

    def __init__(
        self,
        templates: Templates,
        folder: Path,
        resources: ExitStack,
        program: Sequence[str] = ("-m", "tests.support.impatient"),
    ) -> None:
        settings = {
            "DATABASE_URL": templates.copy("embedded"),
            "REDIS_URL": "",
            "MAX_CONNECTIONS": str(MOST),
            "MAX_CONNECTIONS_PER_ADDRESS": str(MOST_OF_AN_ADDRESS),
            "TRUSTED_PROXIES": "127.0.0.0/8",
        }
        self.gateway = Gateway(settings, folder, program).wait_ready()
        resources.callback(self.gateway.stop)
        self.url = self.gateway.http_url
        self.console = Console(environment(settings))
        resources.callback(self.console.stop)
        self.token = log_in(self.url, OWNER)
        self.opened = ExitStack()  # what a test has opened

    def polling(self, address: str = "203.0.113.1") -> Polling:
        return self.opened.enter_context(Polling(self.url, **{"X-Forwarded-For": address}))

    def websocket(self, address: str = "203.0.113.1") -> ClientConnection:
        """A new session by WebSocket, its handshake read."""
        opened = self.opened.enter_context(websocket(self.url, **{"X-Forwarded-For": address}))
        assert str(opened.recv(5)).startswith("0{")
        return opened

    @property
    def connect(self) -> str:
        return "40" + json.dumps({"token": self.token})

    def counted(self) -> int:
        return int(httpx.get(f"{self.url}/health").json()["connections"])

    def measured(self) -> float:
        return read_metric(self.url, "websocket_connections")

    def audited(self) -> list[Any]:
        found: list[Any] = self.console.run("audit_connections", "--json").json()
        return found

    def assert_nobody_left(self) -> None:
        eventually(lambda: self.counted() == 0, GONE_SECONDS, "nobody to be counted")
        assert self.measured() == 0
        eventually(lambda: not self.audited(), GONE_SECONDS, "nobody to be open in the audit")


@pytest.fixture(scope="module")
def running(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with ExitStack() as resources:
        yield Service(templates, tmp_path_factory.mktemp("impatient"), resources)


@pytest.fixture
def service(running: Service) -> Iterator[Service]:
    """That gateway, which all tests here share; none leaves a client behind."""
    with ExitStack() as running.opened:
        yield running


def reset(connection: socket.socket) -> None:
    """As a machine that was switched off and on again: a reset in the place of an orderly end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# --- each way to leave, in each state --------------------------------------------------------------


def opens_and_is_silent(service: Service) -> None:
    service.polling()


def polls_and_breaks_off(service: Service) -> None:
    service.polling().begin_poll().socket.close()


def connects_and_closes_in_one_payload(service: Service) -> None:
    assert service.polling().post(service.connect, "1").text == "ok"


def connects_and_closes_in_two_posts(service: Service) -> None:
    client = service.polling()
    with RawHttp(service.url) as first, RawHttp(service.url) as second:
        for post, packet in ((first, service.connect), (second, "1")):
            length = str(len(packet))
            post.send(head("POST", path(client.sid), post.host, Content_Length=length), packet.encode())
        assert (first.answer().status, second.answer().status) == (200, 200)


def connects_and_breaks_its_poll_off(service: Service) -> None:
    client = service.polling()
    poll = client.begin_poll()
    client.post(service.connect)
    poll.socket.close()


def connects_and_polls_no_more(service: Service) -> None:
    service.polling().post(service.connect)


def is_let_in_and_breaks_its_poll_off(service: Service) -> None:
    service.polling().let_in(service.token).begin_poll().socket.close()


def is_let_in_and_resets_its_poll(service: Service) -> None:
    reset(service.polling().let_in(service.token).begin_poll().socket)


def is_let_in_and_closes(service: Service) -> None:
    client = service.polling().let_in(service.token)
    with client.begin_poll() as poll:
        assert client.post("1").text == "ok"
        assert poll.answer().body == b"6"  # NOOP, which ends a poll
    assert client.get().status_code == 400


def is_let_in_and_disconnects(service: Service) -> None:
    assert service.polling().let_in(service.token).post("41").text == "ok"


def is_let_in_and_is_silent(service: Service) -> None:
    service.polling().let_in(service.token)


def sends_what_is_no_packet(service: Service) -> None:
    assert service.polling().let_in(service.token).post("abc").status_code == 400


def is_refused(service: Service) -> None:
    client = service.polling()
    client.post('40{"token":"no"}')
    client.wait_for_start("44")


def probes_and_drops(service: Service) -> None:
    client = service.polling().let_in(service.token)
    with client.upgrade() as probe:
        probe.send("2probe")
        assert probe.recv(5) == "3probe"


def probes_and_is_silent(service: Service) -> None:
    service.polling().let_in(service.token).upgrade().send("2probe")


def upgrades_and_drops(service: Service) -> None:
    client = service.polling().let_in(service.token)
    with client.upgrade() as upgraded:
        upgraded.send("2probe")
        assert upgraded.recv(5) == "3probe"
        upgraded.send("5")
        upgraded.send("42" + json.dumps(["ping", {}]))


def opens_a_websocket_and_is_silent(service: Service) -> None:
    service.websocket()


def opens_a_websocket_and_drops(service: Service) -> None:
    reset(service.websocket().socket)


def connects_by_websocket_and_drops(service: Service) -> None:
    opened = service.websocket()
    opened.send(service.connect)
    reset(opened.socket)


def connects_by_websocket_and_closes(service: Service) -> None:
    opened = service.websocket()
    opened.send(service.connect)
    with suppress(ConnectionClosed):
        opened.send("1")
        opened.recv(5)


def is_let_in_by_websocket_and_resets(service: Service) -> None:
    opened = service.websocket()
    opened.send(service.connect)
    assert str(opened.recv(5)).startswith("40{")
    reset(opened.socket)


def is_let_in_by_websocket_and_is_silent(service: Service) -> None:
    opened = service.websocket()
    opened.send(service.connect)
    assert str(opened.recv(5)).startswith("40{")


WAYS = (
    opens_and_is_silent,
    polls_and_breaks_off,
    connects_and_closes_in_one_payload,
    connects_and_closes_in_two_posts,
    connects_and_breaks_its_poll_off,
    connects_and_polls_no_more,
    is_let_in_and_breaks_its_poll_off,
    is_let_in_and_resets_its_poll,
    is_let_in_and_closes,
    is_let_in_and_disconnects,
    is_let_in_and_is_silent,
    sends_what_is_no_packet,
    is_refused,
    probes_and_drops,
    probes_and_is_silent,
    upgrades_and_drops,
    opens_a_websocket_and_is_silent,
    opens_a_websocket_and_drops,
    connects_by_websocket_and_drops,
    connects_by_websocket_and_closes,
    is_let_in_by_websocket_and_resets,
    is_let_in_by_websocket_and_is_silent,
)


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
def test_a_client_that_has_gone_is_nowhere_any_more(
    service: Service, leave: Callable[[Service], None]
) -> None:
    leave(service)
    service.assert_nobody_left()


def test_clients_that_leave_at_every_moment_of_their_log_in_are_not_held(service: Service) -> None:
    """Somebody with an account could use up MAX_CONNECTIONS by it."""
    for turn in range(MOST * 4):
        client = service.polling(f"203.0.113.{turn}")
        packets = (service.connect.encode(), b"1")
        posts = [RawHttp(service.url) for _ in packets]
        for post, packet in zip(posts, packets, strict=True):
            post.send(head("POST", path(client.sid), post.host, Content_Length=str(len(packet))), packet)
            time.sleep(turn % 8 * 0.001)  # the moment is what is tried
        for post in posts:
            assert post.answer().status in (200, 400)
            post.socket.close()
    service.assert_nobody_left()


# --- who is not let in yet -------------------------------------------------------------------------


def test_whoever_has_not_been_let_in_counts_and_is_closed_in_time(service: Service) -> None:
    polling, opened = service.polling(), service.websocket()
    begun = time.monotonic()
    assert service.counted() == service.measured() == 2
    while (answer := polling.get()).status_code == 200 and answer.text == "2":
        polling.post("3")
    assert answer.text == "1"
    with suppress(ConnectionClosed):
        while time.monotonic() - begun < CONNECT_SECONDS + GONE_SECONDS:
            opened.send(str(opened.recv(5)).replace("2", "3"))
    assert CONNECT_SECONDS - 0.1 < time.monotonic() - begun < CONNECT_SECONDS + GONE_SECONDS
    service.assert_nobody_left()


def test_whoever_has_not_been_let_in_takes_a_place(service: Service) -> None:
    for number in range(MOST):
        last = service.polling(f"203.0.113.{number}")
    last.let_in(service.token)  # its place is its own
    with Socket(service.gateway.ws_url, token=service.token) as plain:
        assert plain.wait_closed() == 4503
    late = service.polling("203.0.113.200")
    late.post(service.connect)
    assert late.wait_for_start("44") == (
        '44{"message":"this gateway is full: come back later","data":{"code":"full","closeCode":4503}}'
    )
    service.assert_nobody_left()


def test_whoever_has_not_been_let_in_counts_for_its_address(service: Service) -> None:
    for _ in range(MOST_OF_AN_ADDRESS):
        service.polling("203.0.113.9")
    late = service.polling("203.0.113.9")
    late.post(service.connect)
    refused = late.wait_for_start("44")
    assert json.loads(refused[2:])["data"]["code"] == "full"
    service.polling("203.0.113.10").let_in(service.token)
    service.assert_nobody_left()


def test_those_who_arrive_at_the_same_time_do_not_keep_each_other_out(service: Service) -> None:
    """As a whole office does, behind one address, when a gateway has been started again."""
    arriving = [service.polling("203.0.113.9") for _ in range(MOST_OF_AN_ADDRESS + 1)]
    for polling in arriving[:-1]:
        polling.let_in(service.token)
    arriving[-1].post(service.connect)
    assert json.loads(arriving[-1].wait_for_start("44")[2:])["data"]["code"] == "full"
    service.assert_nobody_left()


def test_only_so_many_are_heard_beyond_the_limit(service: Service) -> None:
    """Whoever opens transports by the thousand holds the memory of a few."""
    with httpx.Client(base_url=service.url) as client:
        addresses = [f"198.51.100.{number}" for number in range(130)]
        statuses = [client.get(path(), headers={"X-Forwarded-For": a}).status_code for a in addresses]
    assert statuses[:MOST] == [200] * MOST
    assert set(statuses) <= {200, 503}
    assert service.counted() <= MOST + 100
    service.assert_nobody_left()


def test_a_client_of_a_blocked_network_is_told_so(service: Service) -> None:
    address = "203.0.113.66"
    assert service.console.run("block", address, "--reason", "a test").status == 0
    try:
        client = service.polling(address)
        client.post(service.connect)
        refused = json.loads(client.wait_for_start("44")[2:])
    finally:
        assert service.console.run("block", address, "--lift").status == 0
    assert refused["data"]["code"] == "forbidden"
    assert "blocked" in refused["message"]
    service.assert_nobody_left()


def test_a_gateway_that_stops_lets_go_of_all_of_them(templates: Templates, tmp_path: Path) -> None:
    with ExitStack() as resources:
        service = Service(templates, tmp_path, resources, ["manage.py"])
        resources.callback(service.opened.close)
        waiting = [
            service.polling().begin_poll(),
            service.polling("203.0.113.2").let_in(service.token).begin_poll(),
        ]
        opened = service.websocket()
        stopping = threading.Thread(target=service.gateway.stop)
        begun = time.monotonic()
        stopping.start()
        bodies = [poll.answer().body for poll in waiting]
        assert bodies[0] == b"1"
        assert bodies[1].startswith(b'42["system:draining"')
        assert bodies[1].endswith(b"\x1e1")
        with pytest.raises(ConnectionClosed):
            opened.recv(5)
        stopping.join()
        assert time.monotonic() - begun < 5
        assert "Traceback" not in service.gateway.tail(1000)


def test_nothing_that_clients_did_here_has_left_a_traceback(service: Service) -> None:
    """The last test of this file: it looks at what the others have caused."""
    assert "Traceback" not in service.gateway.tail(10_000)
    assert "rror" not in service.gateway.tail(10_000)
