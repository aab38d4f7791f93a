"""Refresh tokens that somebody else has, too: what is used twice ends the log-in, and nobody else's."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import jwt
import pytest

from realtime.tokens import TokenType, issue
from tests.support.api import answered, bearer
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.people import EDITOR, OWNER, Person
from tests.support.processes import eventually
from tests.support.sockets import Socket
from tests.support.stack import Stack

REFRESH = "/api/auth/token/refresh/"
AT_ONCE = 2.0 + 1.0  # what the contract allows the end of a log-in, and what a busy machine may add
# As if the last renewal had been so many seconds earlier.
EARLIER = """
from datetime import timedelta
from django.db.models import F
from realtime.models import TokenFamily
TokenFamily.objects.update(renewed_at=F("renewed_at") - timedelta(seconds=60))
"""
JOURNAL = """
import json
from realtime.models import OperatorAction
print(json.dumps(list(OperatorAction.objects.filter(action="token reused").values_list("target", flat=True))))
"""
Pair = dict[str, str]


def log_in(stack: Stack, person: Person) -> Pair:
    answer = httpx.post(f"{stack.first.http_url}/api/auth/token/", json=person.credentials, timeout=60)
    pair: Pair = answered(answer, 200)
    return pair


def renew(gateway: Gateway, refresh: str) -> httpx.Response:
    return httpx.post(f"{gateway.http_url}{REFRESH}", json={"refresh": refresh}, timeout=60)


def whoami(stack: Stack, pair: Pair) -> int:
    return httpx.get(
        f"{stack.second.http_url}/api/me/", headers=bearer(pair["access"]), timeout=60
    ).status_code


def wait(stack: Stack, pair: Pair, board: Board) -> int:
    """The status of a poll that waits on the second gateway for an event which never comes."""
    url = f"{stack.second.http_url}{board.path}/events/"
    asked = {"since": str(board.seq), "wait": "20000"}
    return httpx.get(url, params=asked, headers=bearer(pair["access"]), timeout=60).status_code


def waiting(gateway: Gateway) -> float:
    return read_metric(gateway.http_url, "polling_waiting_requests")


def test_a_token_that_is_used_twice_ends_its_log_in(own_stack: Stack, own_board: Board) -> None:
    stolen, other = log_in(own_stack, EDITOR), log_in(own_stack, EDITOR)
    owner = answered(renew(own_stack.second, stolen["refresh"]), 200)
    # One that lives on the first access token, too: it is of the same log-in.
    sockets = [
        Socket(gateway.ws_url, token=pair["access"])
        for gateway in own_stack.gateways
        for pair in (stolen, owner)
    ]
    beside = Socket(own_stack.second.ws_url, token=other["access"])
    with ThreadPoolExecutor() as pool:
        poll = pool.submit(wait, own_stack, owner, own_board)
        eventually(lambda: waiting(own_stack.second), what="the poll to wait")
        assert own_stack.python(EARLIER).status == 0
        assert answered(renew(own_stack.second, stolen["refresh"]), 401)["code"] == "unauthenticated"
        began = time.monotonic()
        for socket in sockets:
            assert socket.wait_closed() == 4401
        assert poll.result(AT_ONCE) == 401
        assert time.monotonic() - began < AT_ONCE
    assert renew(own_stack.second, owner["refresh"]).status_code == 401
    assert [whoami(own_stack, pair) for pair in (stolen, owner)] == [401, 401]
    # The other log-in of the same person goes on.
    assert beside.request("ping")["event"] == "ack"
    assert renew(own_stack.second, other["refresh"]).status_code == 200
    assert own_stack.python(JOURNAL).json() == [f"user {EDITOR.username}"]
    beside.close()


def of_before(pair: Pair) -> str:
    """A refresh token as versions without families gave them out, for the same log-in."""
    said = jwt.decode(pair["access"], options={"verify_signature": False})
    return issue(said["sub"], TokenType.REFRESH, 3600, said["auth"])


@pytest.mark.parametrize("old", [False, True], ids=["with a family", "of before"])
def test_tabs_that_renew_at_the_same_moment_stay_logged_in(stack: Stack, old: bool) -> None:
    """Whichever gateways they come to."""
    pair = log_in(stack, OWNER)
    refresh = of_before(pair) if old else pair["refresh"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda gateway: renew(gateway, refresh), stack.gateways * 4))
    pairs = [answered(answer, 200) for answer in answers]
    assert len({each["refresh"] for each in pairs}) == 1
    assert [whoami(stack, each) for each in pairs] == [200] * len(pairs)
    assert renew(stack.second, pairs[0]["refresh"]).status_code == 200


def test_a_log_out_ends_one_log_in(stack: Stack) -> None:
    ended, other = log_in(stack, OWNER), log_in(stack, OWNER)
    with Socket(stack.second.ws_url, token=ended["access"]) as socket:
        url = f"{stack.first.http_url}/api/auth/token/end/"
        for _ in range(2):
            answered(httpx.post(url, json={"refresh": ended["refresh"]}, timeout=60), 204)
        assert socket.wait_closed() == 4401
    assert (whoami(stack, ended), whoami(stack, other)) == (401, 200)
    assert renew(stack.second, ended["refresh"]).status_code == 401
    assert renew(stack.second, other["refresh"]).status_code == 200
