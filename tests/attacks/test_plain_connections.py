"""One address keeps as many plain connections open as it can: who comes from elsewhere notices nothing."""

import json
import re
import resource
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from realtime.plain_connections import PROBE_PLACES, WAITING
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.many import Many, Polled
from tests.support.metrics import read_metrics
from tests.support.people import OWNER
from tests.support.processes import ROOT, eventually
from tests.support.proxies import HAProxy
from tests.support.raw_http import Answer, RawHttp, head
from tests.support.stack import KINDS, Stack, Templates

MOST, OF_AN_ADDRESS = 60, 20
FEW = {"MAX_PLAIN_CONNECTIONS": str(MOST), "MAX_PLAIN_CONNECTIONS_PER_ADDRESS": str(OF_AN_ADDRESS)}
BAD, WORSE, HONEST = "127.0.0.2", "127.0.0.3", "127.0.0.4"


@pytest.fixture(scope="module", params=KINDS)
def _few(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    stack = Stack(request.param, templates.copy(request.param), tmp_path_factory.mktemp("few"), FEW)
    yield stack
    stack.stop()


@pytest.fixture
def few(_few: Stack) -> Iterator[Stack]:
    """A gateway with few places, which the tests here share."""
    eventually(lambda: ask(_few.second, BAD).status == 200, what="what was open before to be gone")
    yield _few
    _few.close_clients()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def connect(
    opened: ExitStack, gateway: Gateway | HAProxy, source: str, count: int, *said: bytes
) -> list[RawHttp]:
    """So many connections of that address, each of which says that."""
    found = [opened.enter_context(RawHttp(gateway.http_url, 5, source)) for _ in range(count)]
    for each in found:
        each.send(*said)
    return found


def ask(gateway: Gateway | HAProxy, source: str, path: str = "/api/realtime/", **headers: str) -> Answer:
    with RawHttp(gateway.http_url, 5, source) as http:
        http.send(head("GET", path, http.host, **headers))
        return http.answer()


def handshake(path: str, host: str, **headers: str) -> bytes:
    """Of a WebSocket."""
    key = "MDEyMzQ1Njc4OWFiY2RlZg=="
    return head(
        "GET",
        path,
        host,
        Upgrade="websocket",
        Connection="Upgrade",
        Sec_WebSocket_Version="13",
        Sec_WebSocket_Key=key,
        **headers,
    )


def unfinished(path: str, **headers: str) -> bytes:
    """A request whose body does not come."""
    return head("POST", path, "localhost", Content_Length="60", **headers) + b"{"


def takes_no_more(opened: ExitStack, proxy: HAProxy, source: str) -> bool:
    """Whether it refuses one more connection of that address; else that has one more.

    Of connections that come at once HAProxy's threads may count some less.
    """
    try:
        ask(proxy, source)
    except ConnectionError:
        return True
    with suppress(ConnectionError):
        connect(opened, proxy, source, 1)
    return False


def open_files(gateway: Gateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/fd").iterdir()))


def holds(gateway: Gateway, polls: int) -> bool:
    return gateway.clients().get("held polls") == polls


def assert_refused(answer: Answer) -> None:
    assert (answer.status, answer.headers["connection"]) == (503, "close")
    assert int(answer.headers["retry-after"]) > 0
    assert b"MAX_PLAIN_CONNECTIONS" in answer.body


def test_an_address_whose_places_are_busy_is_told_to_come_back(few: Stack, opened: ExitStack) -> None:
    """Heads that never end are requests under way."""
    gateway = few.second
    busy = connect(opened, gateway, BAD, 2 * OF_AN_ADDRESS, b"GET / HTTP/1.1\r\n")
    eventually(lambda: ask(gateway, BAD).status == 503, what="the address to have no place left")
    assert_refused(ask(gateway, BAD, "/"))
    refused = ask(gateway, BAD)
    assert_refused(refused)
    assert refused.json()["code"] == "unavailable"
    assert ask(gateway, HONEST).status == 200
    counted = 'gateway_limit_refusals_total{limit="MAX_PLAIN_CONNECTIONS_PER_ADDRESS"}'
    assert read_metrics(gateway.http_url)[counted] > 1
    for each in busy:
        each.socket.close()
    eventually(lambda: ask(gateway, BAD).status == 200, what="its places to be free again")


def test_whoever_says_nothing_keeps_nobody_out(few: Stack, opened: ExitStack) -> None:
    """Neither those of their own address nor anybody else, when all places are taken."""
    gateway = few.second
    for source in (BAD, WORSE, "127.0.0.5"):
        connect(opened, gateway, source, 2 * OF_AN_ADDRESS)
    for source in (BAD, WORSE, HONEST):
        assert [ask(gateway, source).status for _ in range(5)] == [200] * 5
    answered(few.api(OWNER, gateway).get("/api/me/"), 200)


def test_the_connection_that_has_been_idle_for_longest_goes_first(few: Stack, opened: ExitStack) -> None:
    gateway = few.second
    asked = head("GET", "/health", "localhost")
    kept = connect(opened, gateway, BAD, OF_AN_ADDRESS, asked)
    assert [each.answer().status for each in kept] == [200] * OF_AN_ADDRESS
    kept[0].send(asked)
    assert kept[0].answer().status == 200  # the second one is the oldest now
    elsewhere = connect(opened, gateway, WORSE, 1, asked)[0]
    assert elsewhere.answer().status == 200
    assert ask(gateway, BAD).status == 200
    assert kept[1].is_closed()
    for each in (kept[0], *kept[2:], elsewhere):
        each.send(asked)
        assert each.answer().status == 200


def test_sockets_and_held_polls_have_places_of_their_own(few: Stack) -> None:
    """All of one address, many more than it may have of the others."""
    gateway = few.second
    board = Board(few.api(OWNER), public=True)
    events = f"{gateway.http_url}{board.path}/events/?since={board.seq}&wait=25000"
    with Many() as many:
        assert many.sockets(gateway.ws_url, 3 * OF_AN_ADDRESS) == [None] * 3 * OF_AN_ADDRESS
        polls: list[Future[Polled]] = []
        while len(polls) < 2 * OF_AN_ADDRESS:  # in their first moments they are as any other request
            polls += [many.poll(events) for _ in range(OF_AN_ADDRESS // 2)]
            eventually(partial(holds, gateway, len(polls)), what="all to be held")
        assert ask(gateway, "127.0.0.1").status == 200
        board.add_task("For all of them")
        assert {poll.result(10).status for poll in polls} == {200}


def test_websockets_that_are_tried_beside_a_session_are_bounded(few: Stack, opened: ExitStack) -> None:
    """One of Engine.IO: any number of WebSockets can be tried for it, and none of them is a client."""
    gateway, query = few.second, "/socket.io/?EIO=4&transport="
    session = json.loads(ask(gateway, BAD, f"{query}polling").body[1:])["sid"]
    wanted = handshake(f"{query}websocket&sid={session}", urlsplit(gateway.http_url).netloc)
    before, most = open_files(gateway), OF_AN_ADDRESS + WAITING
    tried = [connect(opened, gateway, BAD, 1, wanted)[0] for _ in range(most + 200)]
    assert tried[0].answer().status == 101
    eventually(lambda: open_files(gateway) < before + most + 100, what="what is too many to be closed")
    assert_refused(ask(gateway, BAD))
    assert ask(gateway, HONEST).status == 200
    for each in tried:
        each.socket.close()
    eventually(lambda: ask(gateway, BAD).status == 200, what="its places to be free again")


PROXIED = {**FEW, "TRUSTED_PROXIES": f"{BAD}/32"}
CLIENT, OTHER = {"X_Forwarded_For": "2001:db8::7, 203.0.113.7"}, {"X_Forwarded_For": "203.0.113.8"}


@pytest.mark.settings(**PROXIED)
def test_a_trusted_proxy_may_have_all_of_them(own_stack: Stack, opened: ExitStack) -> None:
    """Of no request that has not come yet is it known whose it is."""
    gateway = own_stack.second
    connect(opened, gateway, BAD, 2 * OF_AN_ADDRESS, b"GET / HTTP/1.1\r\n")
    assert ask(gateway, BAD).status == 200
    connect(opened, gateway, BAD, MOST, b"GET / HTTP/1.1\r\n")
    eventually(lambda: ask(gateway, BAD).status == 503, what="all to be taken")
    assert_refused(ask(gateway, HONEST))


@pytest.mark.settings(**PROXIED)
def test_slow_requests_through_a_proxy_keep_no_other_client_out(own_stack: Stack, opened: ExitStack) -> None:
    """Requests that a trusted proxy hands on are their client's, whatever that one says of itself."""
    gateway = own_stack.second
    slow = connect(opened, gateway, BAD, 2 * MOST, unfinished("/api/auth/token/", **CLIENT))
    eventually(lambda: ask(gateway, BAD, **CLIENT).status == 503, what="the client to have no place left")
    refused = ask(gateway, BAD, **CLIENT)
    assert_refused(refused)
    assert b"MAX_PLAIN_CONNECTIONS_PER_ADDRESS" in refused.body
    assert [ask(gateway, BAD, **OTHER).status for _ in range(5)] == [200] * 5
    assert ask(gateway, BAD).status == 200
    assert_refused(ask(gateway, "127.0.0.2", **CLIENT))
    for each in slow:
        each.socket.close()
    eventually(lambda: ask(gateway, BAD, **CLIENT).status == 200, what="its places to be free again")


@pytest.mark.settings(**PROXIED)
def test_what_a_proxy_keeps_open_is_no_clients(own_stack: Stack, opened: ExitStack) -> None:
    """It brings the next client's request by the same connection."""
    gateway = own_stack.second
    asked, kept = head("GET", "/api/realtime/", "localhost", **CLIENT), []
    for _ in range(2 * OF_AN_ADDRESS):
        kept += connect(opened, gateway, BAD, 1, asked)
        assert kept[-1].answer().status == 200
    assert ask(gateway, BAD, **CLIENT).status == 200
    for each in kept:
        each.send(head("GET", "/api/realtime/", "localhost", **OTHER))
        assert each.answer().status == 200


@pytest.mark.settings(**PROXIED)
def test_websockets_through_a_proxy_are_their_clients_too(own_stack: Stack, opened: ExitStack) -> None:
    gateway, query = own_stack.second, "/socket.io/?EIO=4&transport="
    session = json.loads(ask(gateway, BAD, f"{query}polling", **CLIENT).body[1:])["sid"]
    host = urlsplit(gateway.http_url).netloc
    tried = handshake(f"{query}websocket&sid={session}", host, **CLIENT)
    connect(opened, gateway, BAD, 2 * MOST, tried)
    eventually(lambda: ask(gateway, BAD, **CLIENT).status == 503, what="the client to have no place left")
    assert [ask(gateway, BAD, **OTHER).status for _ in range(5)] == [200] * 5


@pytest.mark.settings(**PROXIED)
def test_probes_are_answered_while_all_places_are_taken(own_stack: Stack, opened: ExitStack) -> None:
    """A balancer would take every gateway for dead, and an orchestrator start it again."""
    gateway, probes = own_stack.second, ("/health", "/health/", "/ready", "/ready?from=balancer")
    connect(opened, gateway, BAD, MOST, b"GET / HTTP/1.1\r\n")
    eventually(lambda: ask(gateway, HONEST).status == 503, what="all to be taken")
    assert [ask(gateway, source, path).status for path in probes for source in (BAD, HONEST)] == [200] * 8
    connect(opened, gateway, WORSE, 2 * PROBE_PLACES, unfinished("/health"))
    asked = head("GET", "/health", "localhost")
    beginning = connect(opened, gateway, WORSE, 2 * PROBE_PLACES, asked)
    for each in beginning:
        assert each.answer().status in (200, 503)
        each.send(b"GET /health HTTP/1.1\r\n")
    assert [ask(gateway, source, path).status for path in probes for source in (BAD, WORSE)] == [200] * 8
    assert_refused(ask(gateway, HONEST))


RUNBOOK = ROOT / "docs" / "runbooks" / "RUNBOOK_websocket_realtime.md"
SAMPLE = re.compile(r"^    # HAProxy\n((?:^    .*\n|^\n)+)", re.MULTILINE)
OF_A_SOURCE = 3 * MOST  # connections, which it lets through


def haproxy_of_the_runbook(gateway: Gateway, folder: Path) -> HAProxy:
    """Its sample, with fewer connections of a source, and less time for a request."""
    found = SAMPLE.search(RUNBOOK.read_text("utf-8"))
    assert found is not None
    text = re.sub(r"bind .*", "bind 127.0.0.1:@PORT@", found[1])
    text = re.sub(r"server (\w+) \S+ check", rf"server \1 127.0.0.1:{gateway.port} check", text)
    for found_there, here in (("gt 500", f"gt {OF_A_SOURCE}"), ("http-request 10s", "http-request 2s")):
        assert found_there in text
        text = text.replace(found_there, here)
    return HAProxy(text, folder)


@pytest.mark.settings(**{**PROXIED, "TRUSTED_PROXIES": "127.0.0.1/32"})
def test_slow_bodies_and_many_connections_end_at_the_runbooks_haproxy(
    own_stack: Stack, opened: ExitStack, tmp_path: Path
) -> None:
    with haproxy_of_the_runbook(own_stack.second, tmp_path) as proxy:
        slow = connect(opened, proxy, BAD, 2 * MOST, unfinished("/api/auth/token/"))
        assert [ask(proxy, source).status for source in (BAD, HONEST)] == [200, 200]
        assert {each.answer().status for each in slow} == {408}
        connect(opened, proxy, WORSE, OF_A_SOURCE)
        eventually(lambda: takes_no_more(opened, proxy, WORSE), 1.5, "one more of that address to be refused")
        assert ask(proxy, HONEST).status == 200
    assert "MAX_PLAIN_CONNECTIONS" not in own_stack.second.tail()


FEW_FILES = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (300, 1500))
sys.path[0] = "."
runpy.run_path("manage.py", run_name="__main__")
"""


def test_a_gateway_opens_as_many_files_as_it_may(own_stack: Stack, tmp_path: Path) -> None:
    """And says at its start where that is less than its settings ask for."""
    program, gateway = tmp_path / "few_files.py", own_stack.second
    program.write_text(FEW_FILES)
    gateway.stop()
    gateway.restart((str(program),))
    assert resource.prlimit(gateway.process.pid, resource.RLIMIT_NOFILE) == (1500, 1500)
    assert "MAX_PLAIN_CONNECTIONS may take 6200 open files, of which there are 1500" in gateway.tail()
