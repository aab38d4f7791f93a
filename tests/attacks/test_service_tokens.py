"""Tokens of services: each is for what it was made for, and can be taken back by itself."""

import re
from uuid import uuid4

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.realtime.wire import session_of
from tests.support.api import bearer
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.people import OPERATOR, OWNER
from tests.support.stack import Stack

LIST, JOURNAL = "/admin/realtime/servicetoken/", "/admin/realtime/operatoraction/"
NEVER = "never"


@pytest.fixture
def name() -> str:
    """A service's, as no other test has it."""
    return f"ai {uuid4().hex[:8]}"


def publish(gateway: Gateway, token: str, board: Board) -> int:
    """The status of an event that a service sends."""
    url = f"{gateway.http_url}{board.path}/publish/"
    return httpx.post(url, json={"event": "ai:x", "data": {}}, headers=bearer(token), timeout=60).status_code


def everywhere(stack: Stack, token: str, board: Board) -> set[int]:
    return {publish(gateway, token, board) for gateway in stack.gateways}


def made(stack: Stack, name: str, *options: str) -> str:
    outcome = stack.console("service_token", name, *options)
    assert outcome.status == 0, outcome.err
    return outcome.out.strip()


def row_of(page: str, name: str) -> str:
    """Of the list in the admin."""
    (row,) = (row for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL) if f">{name}<" in row)
    return row


def test_one_is_revoked_in_the_admin_and_the_others_go_on(stack: Stack, board: Board, name: str) -> None:
    lost, other = made(stack, name), made(stack, f"{name} two")
    with session_of(stack.first.http_url, OPERATOR) as operator:
        assert NEVER in row_of(operator.get(LIST).text, name)
        assert everywhere(stack, lost, board) == everywhere(stack, other, board) == {201}
        row = row_of(operator.get(LIST).text, name)
        assert NEVER not in row
        form = {"action": "revoke", "_selected_action": re.findall(r'value="([-\w]{36})"', row)}
        form["csrfmiddlewaretoken"] = operator.cookies["csrftoken"]
        headers = {"Referer": str(operator.base_url)}
        asks = operator.post(LIST, data=form, headers=headers)
        assert (asks.status_code, name in asks.text) == (200, True)
        assert everywhere(stack, lost, board) == {201}, "it asks before"
        confirmed = {**form, "confirmed": "yes", "reason": f"{name} was lost"}
        assert operator.post(LIST, data=confirmed, headers=headers).status_code == 302
        assert everywhere(stack, lost, board) == {401}
        assert everywhere(stack, other, board) == {201}
        journal = operator.get(JOURNAL).text
        assert f"Token revoked: service {name} (" in journal
        assert f"{name} was lost" in journal


def test_one_is_revoked_by_the_command_that_lists_them(stack: Stack, board: Board, name: str) -> None:
    lost = made(stack, name, "--project", board.id)
    (line,) = (line for line in stack.console("service_token", "--list").out.splitlines() if name in line)
    assert f"project:{board.id}" in line
    id_, *_ = line.split()
    assert stack.console("service_token", "--revoke", id_, "--reason", "lost").status == 0
    assert everywhere(stack, lost, board) == {401}
    again = stack.console("service_token", "--revoke", id_)
    assert (again.status, "revoked before" in again.err) == (1, True)


def test_one_may_be_for_one_project_alone(stack: Stack, board: Board, name: str) -> None:
    token = made(stack, name, "--project", board.id)
    assert everywhere(stack, token, board) == {201}
    assert everywhere(stack, token, Board(stack.api(OWNER))) == {403}


@pytest.mark.parametrize(
    "arguments, told",
    [
        (["ai", "--project", "x"], "expected"),
        (["ai", "--project", str(uuid4())], "there is no such project"),
        (["ai", "--days", "0"], "expected 1 to 3650"),
        (["ai/"], "expected a name"),
        ([], "expected a name"),
        (["ai", "--list"], "go without a name"),
        (["--revoke", "x"], "expected"),
        (["--revoke", str(uuid4())], "there is no such token"),
    ],
)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_the_command_says_what_it_expects(stack: Stack, arguments: list[str], told: str) -> None:
    outcome = stack.console("service_token", *arguments)
    assert outcome.status == 1
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_one_that_was_made_before_there_was_a_list_is_accepted(stack: Stack, board: Board) -> None:
    assert everywhere(stack, issue("ai", TokenType.SERVICE, 60), board) == {201}


@pytest.mark.settings(UNLISTED_SERVICE_TOKENS="false")
def test_one_without_an_id_may_be_refused(own_stack: Stack, own_board: Board, name: str) -> None:
    assert everywhere(own_stack, issue("ai", TokenType.SERVICE, 60), own_board) == {401}
    assert everywhere(own_stack, made(own_stack, name), own_board) == {201}
