"""Refresh tokens that somebody else has, too: what is used twice ends the log-in, and nobody else's."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.api import answered, bearer
from tests.support.people import EDITOR, OWNER, Person
from tests.support.sockets import Socket
from tests.support.stack import Stack

REFRESH = "/api/auth/token/refresh/"
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


def renew(stack: Stack, refresh: str) -> httpx.Response:
    return httpx.post(f"{stack.second.http_url}{REFRESH}", json={"refresh": refresh}, timeout=60)


def whoami(stack: Stack, pair: Pair) -> int:
    return httpx.get(
        f"{stack.second.http_url}/api/me/", headers=bearer(pair["access"]), timeout=60
    ).status_code


def test_a_token_that_is_used_twice_ends_its_log_in(own_stack: Stack) -> None:
    stolen, other = log_in(own_stack, EDITOR), log_in(own_stack, EDITOR)
    owner = answered(renew(own_stack, stolen["refresh"]), 200)
    sockets = [Socket(gateway.ws_url, token=owner["access"]) for gateway in own_stack.gateways]
    beside = Socket(own_stack.second.ws_url, token=other["access"])
    assert own_stack.python(EARLIER).status == 0
    assert answered(renew(own_stack, stolen["refresh"]), 401)["code"] == "unauthenticated"
    began = time.monotonic()
    for socket in sockets:
        assert socket.wait_closed() == 4401
    assert time.monotonic() - began < 5
    assert renew(own_stack, owner["refresh"]).status_code == 401
    assert whoami(own_stack, owner) == 401
    # The other log-in of the same person goes on.
    assert beside.request("ping")["event"] == "ack"
    assert renew(own_stack, other["refresh"]).status_code == 200
    assert own_stack.python(JOURNAL).json() == [f"user {EDITOR.username}"]
    beside.close()


@pytest.mark.parametrize("count", [2, 8])
def test_tabs_that_renew_at_the_same_moment_stay_logged_in(stack: Stack, count: int) -> None:
    pair = log_in(stack, OWNER)
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda _: renew(stack, pair["refresh"]), range(count)))
    pairs = [answered(answer, 200) for answer in answers]
    assert len({each["refresh"] for each in pairs}) == 1
    assert [whoami(stack, each) for each in pairs] == [200] * count
    assert renew(stack, pairs[0]["refresh"]).status_code == 200


def test_a_log_out_ends_one_log_in(stack: Stack) -> None:
    ended, other = log_in(stack, OWNER), log_in(stack, OWNER)
    with Socket(stack.second.ws_url, token=ended["access"]) as socket:
        url = f"{stack.first.http_url}/api/auth/token/end/"
        for _ in range(2):
            answered(httpx.post(url, json={"refresh": ended["refresh"]}, timeout=60), 204)
        assert socket.wait_closed() == 4401
    assert (whoami(stack, ended), whoami(stack, other)) == (401, 200)
    assert renew(stack, ended["refresh"]).status_code == 401
    assert renew(stack, other["refresh"]).status_code == 200
