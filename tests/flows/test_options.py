"""OPTIONS: each address says what may be asked of it (RFC 9110, section 9.3.7), with an Origin or without."""

import httpx
import pytest

from tests.support.boards import Board
from tests.support.stack import Stack

READ = {"GET", "HEAD", "OPTIONS"}
ALLOWED = {
    "{board}/events/": READ,
    "/health": READ,
    "/ready": READ,
    "/metrics": READ,
    "/ws": {"GET", "OPTIONS"},
    "/socket.io/": {"GET", "POST", "OPTIONS"},
    "{board}/board/": READ,
    "/api/me/": READ,
    "/api/auth/token/": {"POST", "OPTIONS"},
}


@pytest.mark.parametrize("origin", ["", "own", "http://evil.example"])
@pytest.mark.parametrize("address", ALLOWED)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_what_may_be_asked_is_told(stack: Stack, board: Board, address: str, origin: str) -> None:
    """Whoever answers the address, the gateway by itself or Django."""
    headers = {"Origin": stack.first.web_url if origin == "own" else origin} if origin else {}
    if address == "/socket.io/" and "evil" in origin:
        headers = {}  # a foreign page is refused there
    answer = httpx.options(
        stack.first.http_url + address.format(board=board.path), headers=headers, timeout=10
    )
    assert answer.status_code in (200, 204), answer.text
    assert set(answer.headers["allow"].split(", ")) == ALLOWED[address]


@pytest.mark.parametrize("address", ["{board}/events/", "/health"])
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_a_method_that_is_not_there_is_told_the_same(stack: Stack, board: Board, address: str) -> None:
    answer = httpx.put(stack.first.http_url + address.format(board=board.path), timeout=10)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == READ


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_a_page_of_a_listed_origin_may_read_what_is_allowed(stack: Stack, board: Board) -> None:
    origin = {"Origin": stack.first.web_url}
    answer = httpx.options(f"{stack.first.http_url}{board.path}/events/", headers=origin, timeout=10)
    assert answer.headers["access-control-allow-origin"] == stack.first.web_url
