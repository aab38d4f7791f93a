"""What operators look at: health, readiness, metrics, and addresses where nothing lives."""

import re

import httpx
import pytest

from tests.realtime.wire import refused_with
from tests.support.boards import Board
from tests.support.metrics import read_metric, read_metrics
from tests.support.people import EDITOR, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.stack import Stack

PROMISED = {
    "websocket_connections": "gauge",
    "websocket_messages": "counter",
    "websocket_errors": "counter",
    "websocket_latency_seconds": "histogram",
    "websocket_closes": "counter",
    "websocket_rooms": "gauge",
    "websocket_send_queue_frames": "gauge",
    "websocket_resumes": "counter",
    "websocket_gap_fills": "counter",
    "websocket_slow_consumers": "counter",
    "websocket_rate_limited": "counter",
    "websocket_auth_failures": "counter",
    "gateway_info": "gauge",
}
LABELS = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|\d+\.\d+\.\d+\.\d+")


def scrape(stack: Stack) -> str:
    answer = httpx.get(f"{stack.second.http_url}/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def value(stack: Stack, series: str) -> float:
    return read_metric(stack.second.http_url, series)


def connections(url: str) -> int:
    found: int = httpx.get(f"{url}/health", timeout=10).json()["connections"]
    return found


@pytest.mark.parametrize("port", ["http_url", "web_url"])
def test_health_is_the_runbooks_two_keys_on_both_ports(stack: Stack, port: str) -> None:
    answer = httpx.get(f"{getattr(stack.first, port)}/health", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert re.fullmatch(r'\{"status":"healthy","connections":\d+\}', answer.text)


def test_health_counts_the_open_sockets_of_its_process(stack: Stack) -> None:
    url = stack.second.http_url
    eventually(lambda: connections(url) == 0, what="the sockets of other tests to be gone")
    sockets = [stack.socket(person) for person in (OWNER, EDITOR, None)]
    assert connections(url) == 3
    if stack.kind == "distributed":
        assert connections(stack.first.http_url) == 0
    sockets[0].close()
    eventually(lambda: connections(url) == 2, what="one to be gone")
    sockets[1].connection.socket.close()  # without a word, as a lost line
    eventually(lambda: connections(url) == 1, what="another to be gone")


def test_a_gateway_that_can_serve_says_so(stack: Stack) -> None:
    answer = httpx.get(f"{stack.first.http_url}/ready", timeout=10)
    assert answer.status_code == 200
    checks = {"database": "ok", "channelLayer": "ok", "draining": False}
    assert answer.json() == {"status": "ready", "checks": checks}


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_these_addresses_are_read_only(stack: Stack, path: str) -> None:
    url = stack.first.http_url + path
    assert httpx.post(url, timeout=10).status_code == 405
    head = httpx.head(url, timeout=10)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", ["nowhere", "ws/x", "api/projects/", "socket", "wss", "ws//", "admin/"])
def test_a_socket_where_none_lives_is_refused_without_a_fault(stack: Stack, path: str) -> None:
    """Unrouted, it would be a 500 and a traceback for each."""
    assert refused_with(stack.first.ws_url + path) in {403, 404}
    assert "No route found" not in stack.first.log.read_text()


def test_every_promised_metric_is_there_with_its_type(stack: Stack) -> None:
    text = scrape(stack)
    for name, kind in PROMISED.items():
        family = f"{name}_total" if kind == "counter" else name
        assert f"# TYPE {family} {kind}" in text, name


def test_the_metrics_move_with_what_happens(stack: Stack, board: Board) -> None:
    moved = {
        'websocket_messages_total{direction="in",event="ping"}': 1,
        'websocket_messages_total{direction="in",event="other"}': 1,
        'websocket_messages_total{direction="out",event="task:created"}': 1,
        'websocket_messages_total{direction="out",event="hello"}': 2,
        'websocket_errors_total{code="unknown-event"}': 1,
        'websocket_errors_total{code="bad-frame"}': 1,
        'websocket_closes_total{code="4401"}': 1,
        'websocket_auth_failures_total{reason="malformed"}': 1,
        "websocket_latency_seconds_count": 1,
        'websocket_resumes_total{outcome="replayed"}': 1,
        'websocket_resumes_total{outcome="trimmed"}': 1,
    }
    url = stack.second.http_url
    before = read_metrics(url)
    socket, refused = stack.socket(VIEWER), stack.socket(None)
    socket.request("project:join", {"projectId": board.id, "since": 10_000})
    socket.join(board.id, since=1)
    board.add_task()
    socket.wait_for("task:created")
    socket.request("ping")
    socket.request("made up by the client")
    socket.send_raw("no JSON")
    refused.send("auth", {"token": "x"})
    refused.wait_closed()

    def unmoved() -> list[str]:
        now = read_metrics(url)
        return [each for each, least in moved.items() if now.get(each, 0) < before.get(each, 0) + least]

    eventually(lambda: not unmoved(), what=f"all of {sorted(moved)} to move")
    eventually(lambda: value(stack, "websocket_rooms") >= 1, what="rooms")
    assert value(stack, "websocket_connections") >= 1


def test_no_label_holds_an_id_an_address_or_a_clients_words(stack: Stack, board: Board) -> None:
    socket = stack.socket(VIEWER)
    socket.join(board.id)
    socket.request("words-of-a-client:free")
    httpx.get(f"{stack.second.http_url}{board.path}/", timeout=10)
    labels = LABELS.findall(scrape(stack))
    assert {"event", "code", "view"} <= {name for name, _ in labels}
    for name, found in labels:
        if name not in {"instance", "version", "le"}:
            assert not ID.search(found), (name, found)
            assert "words-of-a-client" not in found


def test_the_gateway_names_itself_and_its_version(stack: Stack) -> None:
    from devmentor import __version__

    instance = stack.socket(OWNER).frames[0]["data"]["instance"]
    assert f'gateway_info{{instance="{instance}",version="{__version__}"}} 1.0' in scrape(stack)
