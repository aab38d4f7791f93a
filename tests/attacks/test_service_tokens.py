"""Tokens of services: each is for what it was made for, and can be taken back by itself."""

import time
from uuid import uuid4

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.realtime.wire import session_of
from tests.support.api import answered, bearer
from tests.support.boards import Board
from tests.support.people import OPERATOR, OUTSIDER, OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

LIST = "/admin/realtime/servicetoken/"


def publish(stack: Stack, token: str, board: Board) -> int:
    """The status of an event that a service sends by way of the second gateway."""
    url = f"{stack.second.http_url}{board.path}/publish/"
    return httpx.post(url, json={"event": "ai:x", "data": {}}, headers=bearer(token), timeout=60).status_code


def made(stack: Stack, name: str, *options: str) -> str:
    outcome = stack.console("service_token", name, *options)
    assert outcome.status == 0, outcome.err
    return outcome.out.strip()


def row_of(stack: Stack, name: str) -> str:
    code = f"""
import json
from realtime.models import ServiceToken
print(json.dumps(str(ServiceToken.objects.get(name={name!r}).pk)))
"""
    found: str = stack.python(code).json()
    return found


def test_one_is_revoked_on_every_gateway_and_the_others_go_on(stack: Stack, board: Board) -> None:
    name = f"ai {uuid4().hex[:8]}"
    lost, other = made(stack, name), made(stack, f"{name} two")
    assert (publish(stack, lost, board), publish(stack, other, board)) == (201, 201)
    with session_of(stack.first.http_url, OPERATOR) as operator:
        page = operator.get(LIST)
        assert name in page.text
        assert "never" not in page.text.partition(name)[2].partition("</tr>")[0]
        form = {"action": "revoke", "_selected_action": row_of(stack, name)}
        form["csrfmiddlewaretoken"] = operator.cookies["csrftoken"]
        answer = operator.post(LIST, data=form, headers={"Referer": str(operator.base_url)})
        assert answer.status_code == 302
        assert f"service {name}" in operator.get("/admin/realtime/operatoraction/").text
    began = time.monotonic()
    eventually(lambda: publish(stack, lost, board) == 401, 10, "the token to be refused")
    assert time.monotonic() - began < 5
    assert publish(stack, other, board) == 201


def test_one_may_be_for_one_project_alone(stack: Stack, board: Board) -> None:
    token = made(stack, f"ai {uuid4().hex[:8]}", "--project", board.id)
    assert publish(stack, token, board) == 201
    assert publish(stack, token, Board(stack.api(OWNER))) == 403


def test_who_may_not_change_the_policy_revokes_none(stack: Stack, board: Board) -> None:
    name = f"ai {uuid4().hex[:8]}"
    token = made(stack, name)
    with httpx.Client(base_url=stack.first.http_url, timeout=60) as client:
        client.headers.update(bearer(stack.token(OUTSIDER)))
        assert client.get(LIST).status_code == 302
    assert publish(stack, token, board) == 201


def test_one_that_was_made_before_there_was_a_list_is_accepted(stack: Stack, board: Board) -> None:
    assert publish(stack, issue("ai", TokenType.SERVICE, 60), board) == 201


@pytest.mark.settings(UNLISTED_SERVICE_TOKENS="false")
def test_one_without_an_id_may_be_refused(own_stack: Stack, own_board: Board) -> None:
    assert publish(own_stack, issue("ai", TokenType.SERVICE, 60), own_board) == 401
    assert publish(own_stack, made(own_stack, "ai"), own_board) == 201


def test_a_person_is_none(stack: Stack, board: Board) -> None:
    assert publish(stack, stack.token(OWNER), board) == 403
    answered(stack.api(OWNER).get("/api/me/"), 200)
