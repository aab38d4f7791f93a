"""What operators set and order, as the sockets of every gateway meet it: with Redis up, stopped, or none."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from uuid import uuid4

import jwt
import pytest

from tests.realtime.wire import session_of
from tests.support.api import Api, answered
from tests.support.boards import Board
from tests.support.console import Outcome
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OPERATOR, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.socketio import SocketIOClient
from tests.support.sockets import Socket
from tests.support.stack import KINDS, SharedStacks, Stack, Templates

AT_ONCE = 2.0  # what the contract allows a change until it holds on every gateway
SLACK = 1.0  # for a busy machine, and the command's own time

WAYS = (*KINDS, "redis stopped")
# What does not depend on the way is seen in the hardest: two gateways, and no Redis that answers.
HARDEST = pytest.mark.parametrize("operated", ["redis stopped"], indirect=True)


@pytest.fixture(scope="module")
def _stacks(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStacks]:
    with SharedStacks(templates, tmp_path_factory, begin=Stack.start_console) as stacks:
        yield stacks


@pytest.fixture(params=WAYS)
def operated(request: pytest.FixtureRequest, _stacks: SharedStacks) -> Iterator[Stack]:
    """A stack whose switches are thrown, and put back after each test; with Redis up, stopped, or none."""
    kind = "embedded" if request.param == "embedded" else "distributed"
    with (
        _stacks.lend(kind, request.node.nodeid) as stack,
        redis_stopped(stack) if request.param == "redis stopped" else nothing_broken(),
    ):
        yield stack
        done(stack.python(PUT_BACK + FOLLOWED))
        stack.close_clients()


@contextmanager
def redis_stopped(stack: Stack) -> Iterator[None]:
    assert stack.redis is not None
    stack.redis.server.pause()
    try:
        yield
    finally:
        stack.redis.server.resume()


@contextmanager
def nothing_broken() -> Iterator[None]:
    yield


def done(outcome: Outcome) -> str:
    assert outcome.status == 0, outcome
    return outcome.out


def on_each(stack: Stack) -> list[Socket]:
    """An editor's socket on each gateway."""
    return [stack.socket(EDITOR, gateway) for gateway in stack.gateways]


# --- The switches -----------------------------------------------------------------------------------


def test_everyone_to_polling_and_back(operated: Stack) -> None:
    """The one that an operator throws first: sockets close, boards go on, and it says so everywhere."""
    sockets = on_each(operated)
    began = time.monotonic()
    told = done(operated.console("realtime", "off", "--banner", "Live updates pause for a moment"))
    assert "Real-time is off." in told
    for socket in sockets:
        assert socket.wait_closed() == 4000
        assert [f["event"] for f in socket.unread if f["event"].startswith("system:")] == [
            "system:banner",
            "system:polling",
        ]
    assert time.monotonic() - began < AT_ONCE + SLACK
    for gateway in operated.gateways:
        found = answered(operated.api(None, gateway).get("/api/realtime/"), 200)
        assert (found["realtime"], found["banner"]) == (False, "Live updates pause for a moment")
        with Socket(gateway.ws_url, token=operated.token(OWNER)) as late:
            assert late.wait_closed() == 4000
            assert late.frames[0]["data"]["banner"] == "Live updates pause for a moment"
    board = Board(operated.api(OWNER))
    board.add_task()
    assert board.events()[-1]["event"] == "task:created"

    done(operated.console("realtime", "on"))
    for gateway in operated.gateways:
        found = answered(operated.api(None, gateway).get("/api/realtime/"), 200)
        assert (found["realtime"], found["banner"]) == (True, None)
        assert operated.socket(OWNER, gateway).request("ping")["event"] == "ack"


def test_strict_mode_cuts_off_who_does_not_meet_it_and_nobody_else(operated: Stack) -> None:
    board = Board(operated.api(OWNER), public=True)
    staying = on_each(operated)
    guests = [operated.socket(None, gateway) for gateway in operated.gateways]
    with session_of(operated.first.http_url, OPERATOR) as client:
        cookie = {"Cookie": f"sessionid={client.cookies['sessionid']}"}
        page = Socket(operated.first.ws_url, headers=cookie, origin=operated.first.web_url)
        page.wait_for("hello")
    forecast = eventually(
        lambda: would_close(operated, len(guests)), what="the dry run to know of the guests"
    )
    assert "strict mode: log in" in forecast
    assert staying[0].request("ping")["event"] == "ack"  # a dry run touches nobody
    began = time.monotonic()
    done(operated.console("strict", "on", "--reason", "somebody knocks"))
    for guest in guests:
        assert guest.wait_closed() == 4403
    assert time.monotonic() - began < AT_ONCE + SLACK
    for socket in [*staying, page]:
        assert socket.request("status")["data"]["strict"] is True
    page.close()
    answer = operated.api(None).get(f"{board.path}/board/")
    assert answered(answer, 401)["code"] == "unauthenticated"
    done(operated.console("strict", "off"))
    assert answered(operated.api(None).get(f"{board.path}/board/"), 200)
    assert staying[0].request("status")["data"]["strict"] is False


def would_close(stack: Stack, count: int) -> str:
    told = done(stack.console("strict", "on", "--dry-run"))
    return told if f"would close {count} live" in told else ""


@HARDEST
def test_a_switch_tells_how_it_stands_and_since_when_and_by_whom(operated: Stack) -> None:
    done(operated.console("strict", "on"))
    stands = operated.console("strict", "status", "--json").json()
    assert stands["inForce"] is stands["operators"] is True
    assert stands["environment"] is False
    assert "@" in stands["by"]
    assert stands["since"].endswith("Z")
    assert [one["inForce"] for one in stands["gateways"]] == [True] * len(operated.gateways)
    assert all(one["followed"] for one in stands["gateways"])


@HARDEST
def test_a_gateway_that_starts_under_a_thrown_switch_obeys_it(operated: Stack) -> None:
    done(operated.console("realtime", "off"))
    operated.second.stop()
    operated.second.restart()
    with Socket(operated.second.ws_url, token=operated.token(OWNER)) as socket:
        assert socket.next()["data"]["realtime"] is False  # not let in first and thrown out then
        assert socket.wait_closed() == 4000


def set_limits(stack: Stack, **limits: str) -> None:
    """By the command, which waits until every gateway follows."""
    for name, value in limits.items():
        done(stack.console("policy", name.replace("_", "-"), value))


@HARDEST
def test_a_lower_limit_closes_the_newest_and_refuses_more(operated: Stack) -> None:
    gateway = operated.second
    first, second = operated.socket(EDITOR, gateway), operated.socket(VIEWER, gateway)
    set_limits(operated, max_connections="1")
    assert second.wait_closed(AT_ONCE + SLACK) == 4503
    assert first.request("ping")["event"] == "ack"
    with Socket(gateway.ws_url, token=operated.token(OWNER)) as late:
        assert late.wait_closed() == 4503
    set_limits(operated, max_connections="unset")
    eventually(lambda: answers_ping(operated, gateway), what="room for another socket")


def answers_ping(stack: Stack, gateway: Gateway) -> bool:
    with Socket(gateway.ws_url, token=stack.token(OWNER)) as socket:
        socket.wait_for("hello")
        try:
            return bool(socket.request("ping")["event"] == "ack")
        except AssertionError:
            return False


@HARDEST
def test_the_rate_limit_and_required_log_in_hold_on_open_sockets(operated: Stack) -> None:
    guest, socket = operated.socket(None), operated.socket(EDITOR)
    set_limits(operated, rate_limit="on", rate_limit_max="3", require_auth="on")
    assert guest.wait_closed(AT_ONCE + SLACK) == 4401
    answers = [socket.request("ping") for _ in range(4)]
    assert [answer["event"] for answer in answers] == ["ack"] * 3 + ["error"]
    assert answers[-1]["data"]["code"] == "rate-limited"
    with Socket(operated.second.ws_url) as late:  # has its five seconds, whatever else operators do meanwhile
        late.wait_for("hello")
        set_limits(operated, banner="log in")
        assert late.wait_for("system:banner")["data"] == {"banner": "log in"}
        assert late.request("auth", {"token": operated.token(VIEWER)})["event"] == "ack"


@HARDEST
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_socketio_client_obeys_as_any_other(operated: Stack, transport: str) -> None:
    with SocketIOClient(operated.second.http_url, transport, operated.token(EDITOR)) as client:
        client.event("hello")
        done(operated.console("disconnect", "--user", EDITOR.username))
        client.wait_for("disconnect")


@HARDEST
def test_a_poll_that_waits_hears_nothing_of_what_it_may_no_longer_read(operated: Stack) -> None:
    """Long polls are held for half a minute: what operators do meanwhile holds for them, too."""
    board = Board(operated.api(OWNER), public=True)
    guest = operated.api(None, operated.second)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(guest.get, f"{board.path}/events/?since={board.seq}&wait=20000")
        eventually(lambda: polls_waiting(operated) >= 1, what="the poll to be held")
        set_limits(operated, require_auth="on")
        board.add_task()
        assert answered(waiting.result(), 401)["code"] == "unauthenticated"


def polls_waiting(stack: Stack) -> float:
    return read_metric(stack.second.http_url, "polling_waiting_requests")


# --- Disconnecting ----------------------------------------------------------------------------------


def test_a_user_is_disconnected_everywhere_and_it_is_confirmed(operated: Stack) -> None:
    sockets, other = on_each(operated), operated.socket(VIEWER)
    operated.wait_audited(*sockets, other)
    told = done(operated.console("disconnect", "--user", EDITOR.username, "--reason", "lost laptop"))
    connections = "connection" if len(sockets) == 1 else "connections"
    count = f"{len(sockets)} of {len(sockets)} {connections}"
    assert told.strip() == f"Closed {count} of user {EDITOR.username}."
    for socket in sockets:
        assert socket.wait_closed() == 4403
        assert socket.connection.close_reason == "lost laptop"
    assert other.request("ping")["event"] == "ack"
    assert operated.socket(EDITOR).request("ping")["event"] == "ack"  # may come back


@HARDEST
def test_one_connection_an_address_and_all_are_disconnected(operated: Stack) -> None:
    one, other = operated.socket(EDITOR), operated.socket(EDITOR)
    done(operated.console("disconnect", "--connection", one.frames[0]["data"]["connectionId"]))
    assert one.wait_closed() == 4403
    assert other.request("ping")["event"] == "ack"
    done(operated.console("disconnect", "--ip", "192.0.2.0/24"))
    assert other.request("ping")["event"] == "ack"
    done(operated.console("disconnect", "--ip", "::ffff:127.0.0.1"))
    assert other.wait_closed() == 4403
    last = on_each(operated)
    done(operated.console("disconnect", "--all"))
    assert [socket.wait_closed() for socket in last] == [4403] * len(last)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--user", "nobody-of-that-name"), "there is no user"),
        (("--ip", "300.1.1.1"), "expected an address or a network"),
        (("--connection", "seven"), "expected the id of a connection"),
        ((), "one of the arguments"),
    ],
)
@pytest.mark.parametrize("operated", ["embedded"], indirect=True)
def test_an_order_that_does_not_hold_says_why(operated: Stack, arguments: tuple[str, ...], said: str) -> None:
    outcome = operated.console("disconnect", *arguments)
    assert outcome.status != 0
    assert said in outcome.err


# --- Networks, secrets, log-ins ---------------------------------------------------------------------


def submit(stack: Stack, path: str, **form: str) -> None:
    """Send a form of the admin's on the first gateway, confirmed."""
    with session_of(stack.first.http_url, OPERATOR) as client:
        token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
        headers = {"Referer": str(client.base_url)}
        answer = client.post(path, data={**form, **token, "confirmed": "yes"}, headers=headers)
        assert answer.status_code == 302, answer.text[:2000]


def test_a_blocked_network_is_kept_out_of_sockets_and_api_until_the_block_is_lifted(
    operated: Stack,
) -> None:
    sockets = on_each(operated)
    submit(operated, "/admin/realtime/blockednetwork/add/", network="::ffff:127.0.0.0/104", reason="a scan")
    for socket in sockets:
        assert socket.wait_closed(AT_ONCE + SLACK) == 4403
    for gateway in operated.gateways:
        eventually(partial(answers_403, operated, gateway), what="the API to refuse")
        with Socket(gateway.ws_url, token=operated.token(EDITOR)) as late:
            assert late.wait_closed() == 4403
        assert operated.api(None, gateway).get("/health").status_code == 200
    done(operated.console("block", "--lift", "127.0.0.0/8"))
    for gateway in operated.gateways:
        eventually(partial(answers_200, operated, gateway), what="the API to answer")
        assert operated.socket(EDITOR, gateway).request("ping")["event"] == "ack"


@pytest.mark.parametrize("operated", ["distributed"], indirect=True)
def test_a_block_survives_a_flush_of_redis(operated: Stack) -> None:
    token = operated.token(EDITOR)  # before the block: who is in it cannot log in over the API either
    socket = operated.socket(EDITOR)
    operated.wait_audited(socket)
    told = done(operated.console("block", "127.0.0.1/8", "--hours", "1"))
    assert "Closed 1 of 1 connection from there." in told
    assert socket.wait_closed() == 4403
    assert operated.redis is not None
    operated.redis.client().flushall()
    for gateway in operated.gateways:
        eventually(partial(answers_403, operated, gateway), what="the API to refuse")
        with Socket(gateway.ws_url, token=token) as late:
            assert late.wait_closed() == 4403


PUT_BACK = """
from realtime import controls, policy
who = controls.command_line()
controls.set_policy(who, dict.fromkeys(policy.SETTINGS))
controls.unblock(who, "127.0.0.0/8")
"""
FOLLOWED = """
from realtime import confirmation, journal
seq = journal.head()
assert confirmation.wait_until(lambda: not confirmation.followers(seq).behind)
"""


def answers_200(stack: Stack, gateway: Gateway) -> bool:
    return stack.api(None, gateway).get("/api/projects/").status_code == 200


def answers_403(stack: Stack, gateway: Gateway) -> bool:
    paths = ("/api/projects/", f"/api/projects/{uuid4()}/events/")
    return all(stack.api(None, gateway).get(path).status_code == 403 for path in paths)


@pytest.mark.settings(JWT_SECRET_PREVIOUS="the secret of last month, long enough to sign")
@pytest.mark.parametrize("own_stack", KINDS, indirect=True)
def test_the_previous_secret_is_accepted_until_it_is_dropped(own_stack: Stack) -> None:
    claims = jwt.decode(own_stack.token(EDITOR), options={"verify_signature": False})
    old = jwt.encode(claims, own_stack.settings["JWT_SECRET_PREVIOUS"], algorithm="HS256")
    new = on_each(own_stack)
    with Socket(own_stack.second.ws_url, token=old) as rotated:
        assert rotated.next()["data"]["user"]["username"] == EDITOR.username
        submit(own_stack, "/admin/policy/secret/", reason="it has leaked")
        assert rotated.wait_closed(AT_ONCE + SLACK) == 4401
    for gateway, socket in zip(own_stack.gateways, new, strict=True):
        assert socket.request("ping")["event"] == "ack"
        with Socket(gateway.ws_url, token=old) as late:
            assert late.wait_closed() == 4401
        with closing(Api(gateway.http_url, old)) as api:
            assert api.get("/api/me/").status_code == 401


@HARDEST
def test_logging_out_everywhere_ends_sessions_tokens_and_sockets(operated: Stack) -> None:
    sockets, other = on_each(operated), operated.socket(VIEWER)
    token = operated.token(EDITOR)
    with session_of(operated.first.http_url, OPERATOR) as admin:
        page = admin.get(f"/admin/projects/user/?q={EDITOR.username}").text
        key = page.partition('name="_selected_action" value="')[2].partition('"')[0]
        form = {"action": "log_out_everywhere", "_selected_action": key, "confirmed": "yes"}
        form["csrfmiddlewaretoken"] = admin.cookies["csrftoken"]
        admin.post("/admin/projects/user/", data=form, headers={"Referer": str(admin.base_url)})
    for socket in sockets:
        assert socket.wait_closed(AT_ONCE + SLACK) == 4401
    with closing(Api(operated.second.http_url, token)) as api:
        assert api.get("/api/me/").status_code == 401
    assert other.request("ping")["event"] == "ack"
    operated.forget_token(EDITOR)
    assert operated.socket(EDITOR).request("ping")["event"] == "ack"  # a new log-in holds
