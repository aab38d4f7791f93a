"""A host of IPv6 has 2^64 addresses, its owner often 65,536 networks of these: no limit is passed by that.

Each counter of addresses is walked through. One that is new stands in COUNTERS, or the first test fails.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from realtime.networks import read_network
from realtime.plain_connections import PlainConnections
from tests.support.boards import Board
from tests.support.engineio import path as engine_path
from tests.support.many import Many
from tests.support.metrics import read_metric
from tests.support.people import OWNER
from tests.support.processes import ROOT, eventually
from tests.support.sockets import Socket
from tests.support.stack import Stack, Templates

EACH = 3  # connections, or failed log-ins, that an address may have
A_MINUTE = 20  # handshakes, or calls
GUESSES = 3  # a minute: each takes a hash
SITE = 4  # as many as so many addresses may a /48 have
SETTINGS = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "MAX_GUESTS_PER_ADDRESS": str(EACH),
    "LOGIN_FAILURE_LIMIT": str(EACH + 1),  # the last of them is told so
}
SOCKETS = {**SETTINGS, "MAX_GUESTS_PER_ADDRESS": "0", "MAX_CONNECTIONS_PER_ADDRESS": str(EACH)}
HANDSHAKES = {**SETTINGS, "MAX_GUESTS_PER_ADDRESS": "0", "HANDSHAKES_PER_MINUTE": str(A_MINUTE)}
CALLS = {**SETTINGS, "API_CALLS_PER_MINUTE": str(A_MINUTE)}
LOG_INS = {**SETTINGS, "LOGIN_FAILURE_LIMIT": "0", "LOGIN_ATTEMPTS_PER_MINUTE": str(GUESSES)}


class Visitor:
    """Somebody who comes from many addresses; what they open stays open until the end of the test."""

    def __init__(self, stack: Stack, board: Board, opened: ExitStack) -> None:
        self.stack = stack
        self.url = stack.first.http_url
        self.events = f"{board.path}/events/?since={board.seq}"
        self.opened = opened
        self.client = opened.enter_context(httpx.Client(timeout=20))
        self.many = opened.enter_context(Many())

    def get(self, path: str, address: str) -> httpx.Response:
        return self.client.get(self.url + path, headers=via(address))


def via(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def open_a_socket(visitor: Visitor, address: str) -> bool:
    socket = visitor.opened.enter_context(Socket(visitor.stack.first.ws_url, headers=via(address)))
    try:
        socket.send("ping", id=1)
        return socket.wait_for(lambda frame: frame.get("id") == 1)["event"] == "ack"
    except (AssertionError, ConnectionClosed):
        return False


def shake_hands(visitor: Visitor, address: str) -> bool:
    with Socket(visitor.stack.first.ws_url, headers=via(address), token="none.of.ours") as socket:
        return socket.wait_closed() == 4401  # and not 4429


def hold_a_poll(visitor: Visitor, address: str) -> bool:
    before = held(visitor)
    poll = visitor.many.poll(f"{visitor.url}{visitor.events}&wait=25000", via(address))
    return bool(
        eventually(lambda: "held" if held(visitor) > before else poll.done() and "answered") == "held"
    )


def held(visitor: Visitor) -> float:
    return read_metric(visitor.url, "polling_waiting_requests")


def open_an_engine(visitor: Visitor, address: str) -> bool:
    """A Socket.IO client, let in as a guest."""
    opened = visitor.get(engine_path(), address).text
    sid = re.search('"sid":"([^"]+)"', opened)
    assert sid, opened
    visitor.client.post(visitor.url + engine_path(sid[1]), content="40", headers=via(address))
    return visitor.get(engine_path(sid[1]), address).text.startswith("40{")


def call(visitor: Visitor, address: str) -> bool:
    return visitor.get("/api/realtime/", address).status_code == 200


def page(visitor: Visitor, address: str) -> bool:
    return visitor.get("/projects", address).status_code == 200


def poll(visitor: Visitor, address: str) -> bool:
    return visitor.get(visitor.events, address).status_code == 200


def guess_a_password(visitor: Visitor, address: str) -> bool:
    wrong = {"username": "ada", "password": "wrong"}
    answer = visitor.client.post(f"{visitor.url}/api/auth/token/", json=wrong, headers=via(address))
    return answer.status_code == 401  # and not 429


Start = Callable[[dict[str, str]], Stack]
Try = Callable[[Visitor, str], bool]
CONNECTING: list[Try] = [open_a_socket, hold_a_poll, open_an_engine]
# By the setting that limits it: the settings of the gateway, each way to be counted.
COUNTERS: dict[str, tuple[dict[str, str], list[Try]]] = {
    "MAX_GUESTS_PER_ADDRESS": (SETTINGS, CONNECTING),
    "MAX_CONNECTIONS_PER_ADDRESS": (SOCKETS, CONNECTING),
    "HANDSHAKES_PER_MINUTE": (HANDSHAKES, [shake_hands]),
    "API_CALLS_PER_MINUTE": (CALLS, [call, page, poll]),
    "LOGIN_FAILURE_LIMIT": (SETTINGS, [guess_a_password]),
    "LOGIN_ATTEMPTS_PER_MINUTE": (LOG_INS, [guess_a_password]),
}
TRIES = [(setting, each) for setting, (_, ways) in COUNTERS.items() for each in ways]
# It counts a name together with an address, and whoever guesses has one name.
NO_SITES = {"LOGIN_FAILURE_LIMIT"}
EXPLAINED = re.compile(r"((?:^#? .*\n)+)#([A-Z_]+)=", re.MULTILINE)


def test_each_setting_that_counts_addresses_is_walked_through_here() -> None:
    told = EXPLAINED.findall((ROOT / ".env.example").read_text("utf-8"))
    limits = {name for comment, name in told if re.search(r"\b(one|each|an) address\b", comment)}
    no_counters = {"MAX_CONNECTIONS_PER_USER", "RATE_LIMIT_ENABLED"}  # stand below a word on addresses
    of_peers = {"MAX_PLAIN_CONNECTIONS_PER_ADDRESS"}  # below: mostly no header says the address of a peer
    assert limits - no_counters - of_peers <= COUNTERS.keys(), "a counter that is not walked through"
    assert len(limits) > 3


@pytest.mark.parametrize("proxy", ["", "127.0.0.1"], ids=["direct", "by a trusted proxy"])
def test_plain_connections_of_one_host_and_of_one_site(proxy: str) -> None:
    places = PlainConnections(of_an_address=EACH, proxies=[read_network("127.0.0.1")])
    opened, closed = [], []

    def may_ask(address: str) -> bool:
        """Whether one more connection of that address may ask for something, and goes on with it."""
        opened.append(places.arrive(proxy or address, lambda: closed.append(address)))
        return opened[-1].take(b"/", [(b"x-forwarded-for", address.encode())]) is None

    host = [may_ask(f"2001:db8:1:1::{number:x}") for number in range(1, EACH + 3)]
    assert host == [True] * EACH + [False] * 2
    site = [may_ask(f"2001:db8:1:{number:x}::1") for number in range(2, SITE * EACH + 3)]
    assert site.count(True) == SITE * EACH - EACH
    assert may_ask("2001:db8:2::1")
    assert closed == []


@pytest.fixture(scope="module")
def start(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """A gateway with these settings, which those who ask for the same share."""
    running: dict[str, Stack] = {}

    def started(settings: dict[str, str]) -> Stack:
        key = repr(settings)
        if key not in running:
            folder = tmp_path_factory.mktemp("ipv6")
            running[key] = Stack("embedded", templates.copy("embedded"), folder, settings)
        return running[key]

    yield started
    for stack in running.values():
        stack.stop()


def let_through(visitor: Visitor, attempt: Try, addresses: list[str], most: int, a_minute: int) -> None:
    """Fail unless so many get through, and those who come later in vain; a rate refills meanwhile."""
    began = time.monotonic()
    found = [attempt(visitor, address) for address in addresses]
    refilled = 1 + (time.monotonic() - began) * a_minute / 60 if a_minute else 0
    assert found[:most] == [True] * most
    assert most <= sum(found) <= most + refilled
    assert not all(found)


@pytest.mark.parametrize("setting, attempt", TRIES, ids=lambda each: getattr(each, "__name__", each))
def test_a_64_is_one_address_and_a_48_is_four(start: Start, setting: str, attempt: Try) -> None:
    stack = start(COUNTERS[setting][0])
    site = f"2001:db8:{TRIES.index((setting, attempt)) + 1:x}"
    a_minute = int(COUNTERS[setting][0][setting]) if setting.endswith("_PER_MINUTE") else 0
    each = a_minute or EACH
    with ExitStack() as opened:
        visitor = Visitor(stack, Board(stack.api(OWNER), public=True), opened)
        host = [f"{site}:1::{number:x}" for number in range(1, 2 * each + 5)]
        let_through(visitor, attempt, host, each, a_minute)
        others = [f"{site}:{number:x}::1" for number in range(2, each * SITE * 2)]
        if setting not in NO_SITES:
            let_through(visitor, attempt, others, each * (SITE - 1), a_minute * SITE)
        else:
            assert all(attempt(visitor, address) for address in others[: 2 * each])
        assert attempt(visitor, "203.0.113.7"), "another network is not held against anybody"
