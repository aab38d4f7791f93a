"""The operator's switches and limits, each as a client meets it. One gateway: each decides alone."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.realtime.wire import RawSocket, refused_with, session_of
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OPERATOR, OWNER
from tests.support.processes import eventually
from tests.support.sockets import Socket
from tests.support.stack import Stack, Templates

Switched = Callable[..., Stack]

STRICT = {"STRICT_MODE": "true", "RATE_LIMIT_MAX": "50", "RATE_LIMIT_WINDOW": "60000"}
LIMITED = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_MAX": "5", "RATE_LIMIT_WINDOW": "1500"}
SMALL = {"MAX_CONNECTIONS": "2", "CONNECTION_TIMEOUT": "1500"}


@pytest.fixture(scope="module")
def switched(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switched]:
    """A gateway with these settings, shared by the tests of this file that ask for the same."""
    running: dict[str, Stack] = {}

    def start(**settings: str) -> Stack:
        key = repr(settings)
        if key not in running:
            folder = tmp_path_factory.mktemp("switched")
            running[key] = Stack("embedded", templates.copy("embedded"), folder, settings)
        return running[key]

    yield start
    for stack in running.values():
        stack.stop()


def connections(stack: Stack) -> float:
    return read_metric(stack.first.http_url, "websocket_connections")


# --- Credentials required ---------------------------------------------------------------------------


def test_where_credentials_are_required_a_guest_has_five_seconds(switched: Switched) -> None:
    stack = switched(REQUIRE_AUTH="true")
    began = time.monotonic()
    with Socket(stack.first.ws_url) as late, Socket(stack.first.ws_url) as in_time:
        refused = late.request("project:join", {"projectId": "x"})
        assert refused["data"]["code"] == "unauthenticated"
        assert late.request("status")["data"]["code"] == "unauthenticated"
        assert late.request("ping")["event"] == "ack"
        assert in_time.request("auth", {"token": stack.token(OWNER)})["event"] == "ack"
        assert late.wait_closed(seconds=7) == 4401
        assert 4 < time.monotonic() - began < 6.5
        assert in_time.request("status")["data"]["user"]["username"] == OWNER.username


def test_where_credentials_are_required_guests_read_nothing_over_http_either(switched: Switched) -> None:
    stack = switched(REQUIRE_AUTH="true")
    public = Board(stack.api(OWNER), public=True)
    guest = stack.api(None)
    for path in ("/api/projects/", f"{public.path}/board/", f"{public.path}/events/", "/api/me/"):
        answer = guest.get(path)
        assert answered(answer, 401)["code"] == "unauthenticated", path
    assert guest.get("/api/realtime/").status_code == 200
    assert guest.get("/health").status_code == 200


# --- Strict mode ------------------------------------------------------------------------------------


def test_strict_mode_ends_the_connection_of_a_bad_frame(switched: Switched) -> None:
    stack = switched(**STRICT)
    for bad in ("no JSON", "[]", '{"event":7}', b"binary"):
        socket = stack.socket(EDITOR)
        assert socket.request("status")["data"]["strict"] is True
        socket.send_raw(bad)
        assert socket.wait_for("error")["data"]["code"] == "bad-frame"
        assert socket.wait_closed() == 4400


def test_strict_mode_forgives_what_is_well_formed(switched: Switched) -> None:
    socket = switched(**STRICT).socket(EDITOR)
    assert socket.request("nonsense")["data"]["code"] == "unknown-event"
    assert socket.request("project:join", {"projectId": "x"})["data"]["code"] == "not-found"
    assert socket.request("ping")["event"] == "ack"


def test_strict_mode_wants_an_origin_of_whoever_carries_no_bearer_token(switched: Switched) -> None:
    stack = switched(**STRICT)
    with Socket(stack.first.ws_url) as nobody:
        assert nobody.wait_closed() == 4403
    with Socket(stack.first.ws_url, origin=stack.first.web_url) as page:
        assert page.next()["event"] == "hello"
        assert page.request("auth", {"token": stack.token(OWNER)})["event"] == "ack"
    with session_of(stack.first.http_url, OPERATOR) as client:
        headers = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
        assert refused_with(stack.first.ws_url, headers=headers) == 403
        with Socket(stack.first.ws_url, headers=headers, origin=stack.first.web_url) as page:
            assert page.next()["data"]["user"]["username"] == OPERATOR.username


def test_strict_mode_requires_credentials(switched: Switched) -> None:
    stack = switched(**STRICT)
    with Socket(stack.first.ws_url, origin=stack.first.web_url) as guest:
        assert guest.request("project:join", {"projectId": "x"})["data"]["code"] == "unauthenticated"
        assert guest.wait_closed(seconds=7) == 4401


def test_strict_mode_limits_the_rate(switched: Switched) -> None:
    socket = switched(**STRICT).socket(EDITOR)
    answers = [socket.request("ping") for _ in range(51)]
    assert [answer["event"] for answer in answers] == ["ack"] * 50 + ["error"]
    assert answers[-1]["data"]["code"] == "rate-limited"


# --- The rate limit ---------------------------------------------------------------------------------


def test_over_the_rate_a_frame_is_refused_with_when_to_come_back(switched: Switched) -> None:
    stack = switched(**LIMITED)
    before = read_metric(stack.first.http_url, "websocket_rate_limited_total")
    socket = stack.socket(EDITOR)
    answers = [socket.request("ping") for _ in range(7)]
    assert [answer["event"] for answer in answers] == ["ack"] * 5 + ["error"] * 2
    for refused in answers[5:]:
        assert refused["data"]["code"] == "rate-limited"
        assert 0 < refused["data"]["retryAfterMs"] <= 1501
    assert read_metric(stack.first.http_url, "websocket_rate_limited_total") == before + 2
    due = time.monotonic() + refused["data"]["retryAfterMs"] / 1000
    eventually(lambda: time.monotonic() >= due, what="the end of the window")
    assert socket.request("ping")["event"] == "ack"


def test_whoever_sends_twice_the_maximum_is_closed(switched: Switched) -> None:
    socket = switched(**LIMITED).socket(EDITOR)
    for number in range(10):
        socket.send("ping", id=number)
    assert socket.wait_closed() == 4429
    answered_ids = [frame["id"] for frame in socket.frames if "id" in frame]
    assert answered_ids == list(range(10))


def test_bad_frames_count_against_the_rate(switched: Switched) -> None:
    socket = switched(**LIMITED).socket(EDITOR)
    for _ in range(10):
        socket.send_raw("no JSON")
    assert socket.wait_closed() == 4429
    codes = [frame["data"]["code"] for frame in socket.frames if frame["event"] == "error"]
    assert codes == ["bad-frame"] * 5 + ["rate-limited"] * 5


def test_the_rate_is_each_sockets_own(switched: Switched) -> None:
    stack = switched(**LIMITED)
    greedy, modest = stack.socket(EDITOR), stack.socket(EDITOR)
    for _ in range(7):
        greedy.request("ping")
    assert modest.request("ping")["event"] == "ack"


# --- Full, idle, off --------------------------------------------------------------------------------


def test_a_full_gateway_says_so_and_takes_the_next_when_one_has_gone(switched: Switched) -> None:
    stack = switched(**SMALL)
    eventually(
        lambda: read_metric(stack.first.http_url, "websocket_connections") == 0, what="an empty gateway"
    )
    first, second = stack.socket(OWNER), stack.socket(EDITOR)
    with Socket(stack.first.ws_url) as third:
        assert third.wait_closed() == 4503
    assert first.request("ping")["event"] == "ack"
    second.close()
    eventually(lambda: connections(stack) == 1, what="the second to be gone")
    stack.socket(EDITOR).request("ping")
    stack.close_clients()


def test_a_client_that_answers_nothing_is_closed_as_idle_and_one_that_pongs_is_not(
    switched: Switched,
) -> None:
    """A laptop that was closed keeps its place for ever otherwise; a quiet reader must not lose its own."""
    stack = switched(**SMALL)
    eventually(
        lambda: read_metric(stack.first.http_url, "websocket_connections") == 0, what="an empty gateway"
    )
    with Socket(stack.first.ws_url) as quiet, RawSocket(stack.first.ws_url) as dead:
        assert dead.close_code(seconds=6) == 4408
        assert quiet.request("ping")["event"] == "ack"
    assert read_metric(stack.first.http_url, 'websocket_closes_total{code="4408"}') >= 1


def test_where_real_time_is_off_a_client_is_sent_to_polling(switched: Switched) -> None:
    stack = switched(ENABLE_REALTIME="false")
    with Socket(stack.first.ws_url, token=stack.token(OWNER)) as socket:
        assert socket.wait_closed() == 4000
        assert [frame["event"] for frame in socket.frames] == ["hello", "system:polling"]
        assert socket.frames[0]["data"]["realtime"] is False
        assert socket.frames[1]["data"]["retryAfterMs"] > 0
    directory = answered(stack.api(None).get("/api/realtime/"), 200)
    assert directory["realtime"] is False
    board = Board(stack.api(OWNER))
    board.add_task()
    assert board.events()[-1]["event"] == "task:created"
    assert answered(stack.api(None).get("/health"), 200) == {"status": "healthy", "connections": 0}


def test_handshakes_of_one_address_are_limited_where_that_is_set(switched: Switched) -> None:
    stack = switched(HANDSHAKES_PER_MINUTE="4", MAX_CONNECTIONS_PER_USER="1")
    with Socket(stack.first.ws_url, token="none.of.ours") as guessing:
        assert guessing.wait_closed() == 4401  # and counts: each is looked up
    first = stack.socket(OWNER)
    with Socket(stack.first.ws_url, token=stack.token(OWNER)) as second:
        assert second.wait_closed() == 4503
    with Socket(stack.first.ws_url, token=stack.token(EDITOR)) as other:
        assert other.request("ping")["event"] == "ack"
    with Socket(stack.first.ws_url, token="none.of.ours") as fifth:
        assert fifth.wait_closed() == 4429
    assert first.request("ping")["event"] == "ack"


def test_sockets_of_one_address_and_of_one_user_are_limited_where_that_is_set(switched: Switched) -> None:
    stack = switched(MAX_CONNECTIONS_PER_ADDRESS="3", MAX_CONNECTIONS_PER_USER="1")
    health = stack.api(None)

    def wait_for_open(count: int) -> None:
        eventually(lambda: answered(health.get("/health"), 200)["connections"] == count, what=f"{count} open")

    first, guest = stack.socket(OWNER), stack.socket(None)
    assert guest.request("auth", {"token": stack.token(OWNER)})["data"]["code"] == "forbidden"
    assert guest.wait_closed() == 4503
    assert first.request("auth", {"token": stack.token(OWNER)})["event"] == "ack"  # its own, renewed
    wait_for_open(1)
    others = [stack.socket(EDITOR), stack.socket(None)]
    with Socket(stack.first.ws_url) as fourth:
        assert fourth.wait_closed() == 4503
    others[0].close()
    wait_for_open(2)
    assert stack.socket(EDITOR).request("ping")["event"] == "ack"


def test_the_log_tells_of_no_failure(switched: Switched, tmp_path: Path) -> None:
    for settings in (STRICT, LIMITED, SMALL):
        assert "Traceback" not in switched(**settings).first.log.read_text()
