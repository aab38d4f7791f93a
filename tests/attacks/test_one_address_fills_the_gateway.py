"""Guests take every place that they can get: an honest member beside them notices nothing."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.realtime.log_in_rig import waiting
from tests.support.api import answered, bearer
from tests.support.boards import Board
from tests.support.engineio import path
from tests.support.many import Headers, Many
from tests.support.metrics import read_metrics
from tests.support.people import EDITOR, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.sockets import Socket
from tests.support.stack import KINDS, Stack, Templates

SOCKETS, POLLS = 200, 600
OF_AN_ADDRESS = 100  # by default: a tenth of MAX_CONNECTIONS
SOON = 5.0  # within which a member gets what it asks for, on a busy machine


@pytest.fixture
def many() -> Iterator[Many]:
    with Many() as found:
        yield found


def events_of(stack: Stack, board: Board, since: int, wait: int = 25_000) -> str:
    return f"{stack.second.http_url}{board.path}/events/?since={since}&wait={wait}"


def assert_a_member_is_served(stack: Stack, board: Board, many: Many) -> None:
    """They connect, join, write, hear of it over the socket and by a long poll that is held, each in time."""
    before, began = waiting(stack.second), time.monotonic()
    socket = stack.socket(EDITOR)
    head = socket.join(board.id)["seq"]
    held = many.poll(events_of(stack, board, head), bearer(stack.token(VIEWER)))
    eventually(lambda: waiting(stack.second) > before, SOON, "the member's poll to be held")
    board.add_task("Between all of them")
    assert socket.wait_for_seq(head + 1, SOON)["event"] == "task:created"
    assert [event["seq"] for event in held.result(SOON).body["events"]] == [head + 1]
    assert time.monotonic() - began < 3 * SOON
    socket.close()


def test_two_hundred_sockets_and_six_hundred_polls_of_one_address(own_stack: Stack, many: Many) -> None:
    """With the settings that are there when nobody has set any."""
    board = Board(own_stack.api(OWNER), public=True)
    codes = Counter(many.sockets(own_stack.second.ws_url, SOCKETS))
    assert codes == {None: OF_AN_ADDRESS, 4503: SOCKETS - OF_AN_ADDRESS}
    assert_a_member_is_served(own_stack, board, many)
    head = board.seq
    asked = [many.poll(events_of(own_stack, board, head)) for _ in range(POLLS)]
    answers = [poll.result(60) for poll in asked]  # the sockets have the places of this address
    assert {answer.status for answer in answers} == {200}
    pauses = {answer.body["pollAfterMs"] for answer in answers}
    assert min(pauses) >= 1000
    assert len(pauses) > 100, "they would all come back in the same moment"
    many.close_sockets()
    eventually(lambda: open_sockets(own_stack) == 0, what="its sockets to be gone")

    polls = [many.poll(events_of(own_stack, board, head)) for _ in range(POLLS)]
    eventually(lambda: sum(poll.done() for poll in polls) >= POLLS - OF_AN_ADDRESS, 60, "the others' answers")
    eventually(lambda: waiting(own_stack.second) == OF_AN_ADDRESS, what="as many to be held as may be")
    assert open_sockets(own_stack) == 0, "a poll is no socket"
    records = eventually(lambda: audited(own_stack, OF_AN_ADDRESS), 10, "the audit to know the polls")
    assert {(row["transport"], row["user"]) for row in records} == {("long-poll", None)}
    assert records[0]["rooms"] == [board.id]
    assert_a_member_is_served(own_stack, board, many)
    first = [poll.result(30).body for poll in polls]
    again = [many.poll(events_of(own_stack, board, page["seq"], 0)) for page in first if not page["events"]]
    pages = [*(page for page in first if page["events"]), *(poll.result(30).body for poll in again)]
    assert len(pages) == POLLS
    assert {tuple(event["seq"] for event in page["events"]) for page in pages} == {(head + 1,)}


def open_sockets(stack: Stack) -> int:
    return int(answered(stack.api(None, stack.second).get("/health"), 200)["connections"])


def audited(stack: Stack, count: int) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = stack.console("audit_connections", "--json").json()
    return records if len(records) == count else []


# --- Many addresses ---------------------------------------------------------------------------------

PLACES, HELD, EACH = 50, 20, 5
FOR_GUESTS, HELD_FOR_GUESTS = 40, 16  # four fifths of either
SMALL = {
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "MAX_CONNECTIONS": str(PLACES),
    "MAX_HELD_POLLS": str(HELD),
    "MAX_GUESTS_PER_ADDRESS": str(EACH),
}


@pytest.fixture(scope="module", params=KINDS)
def _small(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    stack = Stack(request.param, templates.copy(request.param), tmp_path_factory.mktemp("small"), SMALL)
    yield stack
    stack.stop()


@pytest.fixture
def small(_small: Stack) -> Iterator[Stack]:
    """A gateway with few places, which the tests here share."""
    stack = _small
    eventually(lambda: open_sockets(stack) == 0, what="what was open before to be gone")
    yield stack
    stack.close_clients()


def from_ipv4(number: int) -> Headers:
    return {"X-Forwarded-For": f"203.0.113.{number}"}


def from_one_site(number: int) -> Headers:
    """Each of a /64 of its own, all of one /48."""
    return {"X-Forwarded-For": f"2001:db8:7:{number:x}::1"}


def test_guests_of_many_addresses_take_no_place_that_is_kept_for_users(small: Stack, many: Many) -> None:
    board = Board(small.api(OWNER), public=True)
    url = small.second.ws_url
    assert Counter(many.sockets(url, 60, from_ipv4)) == {None: FOR_GUESTS, 4503: 60 - FOR_GUESTS}
    for late in (Socket(url, headers=from_ipv4(200)), Socket(url, headers=from_ipv4(201))):
        with late:  # who would log in by a first frame counts as a guest until then
            assert late.wait_closed() == 4503
            assert late.connection.close_reason == "no place is left for guests: log in, or come back later"
    assert_a_member_is_served(small, board, many)
    tokens = small.crowd(PLACES - FOR_GUESTS + 1)
    codes = many.sockets(url, len(tokens), lambda number: bearer(tokens[number]))
    assert Counter(codes) == {None: PLACES - FOR_GUESTS, 4503: 1}


def test_whoever_has_a_48_of_ipv6_has_four_addresses_and_not_65536(small: Stack, many: Many) -> None:
    codes = many.sockets(small.second.ws_url, 30, from_one_site)
    assert Counter(codes) == {None: 4 * EACH, 4503: 30 - 4 * EACH}
    assert many.sockets(small.second.ws_url, 1, from_ipv4) == [None]


def test_a_place_that_a_guest_logs_in_from_is_a_users(small: Stack, many: Many) -> None:
    """By a first frame: another guest gets the place that this one had."""
    url = small.second.ws_url
    assert Counter(many.sockets(url, FOR_GUESTS - 1, from_ipv4)) == {None: FOR_GUESTS - 1}
    with Socket(url, headers=from_ipv4(200)) as member, Socket(url, headers=from_ipv4(201)) as early:
        assert early.wait_closed() == 4503
        assert member.request("auth", {"token": small.token(EDITOR)})["event"] == "ack"
        with Socket(url, headers=from_ipv4(202)) as late:
            assert late.request("ping")["event"] == "ack"
        assert member.request("ping")["event"] == "ack"


def test_held_polls_are_bounded_and_a_share_is_kept_for_users(small: Stack, many: Many) -> None:
    board = Board(small.api(OWNER), public=True)
    head, gateway = board.seq, small.second
    polls = [many.poll(events_of(small, board, head), from_ipv4(number)) for number in range(60)]
    eventually(lambda: sum(poll.done() for poll in polls) == 60 - HELD_FOR_GUESTS, 20, "the others' answers")
    assert waiting(gateway) == HELD_FOR_GUESTS
    for poll in polls:
        assert not poll.done() or poll.result().body["pollAfterMs"] >= 1000
    assert 'polling_not_held_total{reason="CONNECTIONS_KEPT_FOR_USERS"}' in read_metrics(gateway.http_url)
    assert many.sockets(gateway.ws_url, 1, from_ipv4) == [None], "polls take no socket's place"
    assert_a_member_is_served(small, board, many)
    eventually(lambda: all(poll.done() for poll in polls), 10, "all to hear of the event")


# --- Socket.IO's sessions that are opened and left ------------------------------------------------------


@pytest.mark.parametrize("of", [lambda _: 7, lambda number: number % 60], ids=["one address", "many"])
def test_sessions_that_are_opened_and_left_keep_nobody_out_who_connects(
    small: Stack, of: Callable[[int], int]
) -> None:
    """An address has as many as it has places, all guests together as many as they have."""
    with httpx.Client(base_url=small.second.http_url) as client:

        def session(number: int) -> str | None:
            """The id of another session; None where there is no room for one."""
            answer = client.get(path(), headers=from_ipv4(of(number)))
            return str(json.loads(answer.text[1:])["sid"]) if answer.status_code == 200 else None

        opened = [session(number) for number in range(400)]
        assert Counter(opened)[None] > 100, "there is room left"
        sid = eventually(lambda: session(1), SOON, "room for a member of the same address")
        client.post(path(sid), content="40" + json.dumps({"token": small.token(EDITOR)}))
        assert client.get(path(sid)).text.startswith('40{"sid"')
        for each in {sid, *opened} - {None}:
            client.post(path(each), content="1")
