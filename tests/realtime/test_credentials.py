"""Who somebody is on a socket: each way to say it, and what becomes of credentials that do not hold."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.realtime.wire import forged, refused_with, session_of
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OPERATOR, OWNER, Person
from tests.support.sockets import Frame, Socket
from tests.support.stack import Stack

Open = Callable[..., Socket]


@pytest.fixture
def open_(stack: Stack) -> Iterator[Open]:
    """Open a socket on the second gateway; closed with the test."""
    with ExitStack() as opened:
        yield lambda **options: opened.enter_context(Socket(stack.second.ws_url, **options))


def expected(person: Person) -> dict[str, Any]:
    return {"name": person.name, "username": person.username}


def user_of(hello: Frame) -> dict[str, Any] | None:
    """Without the id, which each stack chooses."""
    user: dict[str, Any] | None = hello["data"]["user"]
    return user and {key: value for key, value in user.items() if key != "id"}


def in_header(token: str) -> dict[str, Any]:
    return {"token": token}


def in_subprotocols(token: str) -> dict[str, Any]:
    return {"subprotocols": ["devmentor.v1", f"bearer.{token}"]}


WAYS = [in_header, in_subprotocols]


BAD: dict[str, dict[str, str]] = {}


@pytest.fixture
def bad_tokens(stack: Stack) -> dict[str, str]:
    """Tokens that do not hold, by what is wrong with them; made once a stack, for log-ins are slow."""
    if stack.kind not in BAD:
        BAD[stack.kind] = make_bad_tokens(stack)
    return BAD[stack.kind]


def make_bad_tokens(stack: Stack) -> dict[str, str]:
    good = stack.token(OWNER)
    refresh = answered(stack.api(None).post("/api/auth/token/", OWNER.credentials), 200)["refresh"]
    return {
        "garbage": "not.a.token",
        "another secret": forged(good, secret="the secret of somebody else, which is long"),
        "expired": forged(good, exp=int(time.time()) - 1),
        "a refresh token": refresh,
        "a service token": forged(good, type="service"),
        "nobody's": forged(good, sub="00000000-0000-4000-8000-000000000000"),
        "no user's id": forged(good, sub="olive"),
        "of an old password": forged(good, auth="0123456789abcdef"),
    }


def test_hello_comes_first_and_says_who_one_is(stack: Stack, open_: Open) -> None:
    hello = open_(token=stack.token(OWNER)).next()
    assert hello["event"] == "hello"
    assert list(hello["data"]) == ["connectionId", "instance", "user", "heartbeatMs", "realtime", "banner"]
    me = answered(stack.api(OWNER).get("/api/me/"), 200)
    assert hello["data"]["user"] == {key: me[key] for key in ("id", "name", "username")}
    assert hello["data"]["heartbeatMs"] == 10_000
    assert (hello["data"]["realtime"], hello["data"]["banner"]) == (True, None)


def test_gateways_have_names_of_their_own(stack: Stack) -> None:
    frames = [Socket(gateway.ws_url) for gateway in stack.gateways]
    names = {socket.next()["data"]["instance"] for socket in frames}
    for socket in frames:
        socket.close()
    assert len(names) == len(stack.gateways)


@pytest.mark.parametrize("way", WAYS)
def test_a_token_opens_the_socket_of_its_user(stack: Stack, open_: Open, way: Callable[[str], Any]) -> None:
    assert user_of(open_(**way(stack.token(EDITOR))).next()) == expected(EDITOR)


def test_a_browser_that_offers_its_token_hears_back_the_protocol_and_not_the_token(
    stack: Stack, open_: Open
) -> None:
    """A browser ends a connection whose answer is not one of what it offered."""
    socket = open_(**in_subprotocols(stack.token(OWNER)))
    assert socket.connection.subprotocol == "devmentor.v1"


@pytest.mark.parametrize("path", ["ws", "ws/"])
def test_both_addresses_of_the_contract_are_the_same_socket(stack: Stack, path: str) -> None:
    with Socket(stack.first.ws_url + path, token=stack.token(OWNER)) as socket:
        assert user_of(socket.next()) == expected(OWNER)


def test_both_ports_serve_the_socket(stack: Stack) -> None:
    url = stack.first.web_url.replace("http", "ws") + "/ws"
    with Socket(url, token=stack.token(OWNER)) as socket:
        assert user_of(socket.next()) == expected(OWNER)


def test_a_token_in_the_address_is_nobodys(stack: Stack) -> None:
    """Addresses end in the logs of every proxy on the way."""
    token = stack.token(OWNER)
    with Socket(f"{stack.first.ws_url}?token={token}&access_token={token}") as socket:
        assert user_of(socket.next()) is None


@pytest.mark.parametrize("way", WAYS)
def test_a_token_that_does_not_hold_is_told_by_the_close_and_never_a_guest(
    open_: Open, way: Callable[[str], Any], bad_tokens: dict[str, str]
) -> None:
    """A refused handshake would reach a browser as 1006, which looks like a broken line."""
    for name, token in bad_tokens.items():
        socket = open_(**way(token))
        assert (name, socket.wait_closed()) == (name, 4401)
        assert [frame["event"] for frame in socket.frames] in ([], ["hello"])
        assert all(user_of(frame) is None for frame in socket.frames)


def test_a_token_that_does_not_hold_is_401_over_rest_and_polling(
    stack: Stack, board: Board, bad_tokens: dict[str, str]
) -> None:
    nobody = stack.api(None)
    for name, token in bad_tokens.items():
        for path in ("/api/me/", "/api/projects/", f"{board.path}/board/", f"{board.path}/events/"):
            answer = nobody.get(path, headers={"Authorization": f"Bearer {token}"})
            assert (name, answered(answer, 401)["code"]) == (name, "unauthenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"


def test_the_first_frame_may_carry_the_token(stack: Stack, open_: Open, board: Board) -> None:
    socket = open_()
    assert user_of(socket.next()) is None
    answer = socket.request("auth", {"token": stack.token(EDITOR)})
    assert {key: answer["data"]["user"][key] for key in ("name", "username")} == expected(EDITOR)
    assert socket.request("status")["data"]["user"]["username"] == EDITOR.username
    socket.join(board.id)


def test_a_frame_with_a_token_that_does_not_hold_is_answered_and_the_socket_closed(
    open_: Open, bad_tokens: dict[str, str]
) -> None:
    for token in bad_tokens.values():
        socket = open_()
        answer = socket.request("auth", {"token": token})
        assert (answer["event"], answer["data"]["code"]) == ("error", "unauthenticated")
        assert socket.wait_closed() == 4401


def test_a_token_is_renewed_without_losing_a_room(stack: Stack, open_: Open, board: Board) -> None:
    """Beside it a socket that does not renew, and so says when the old token's time is up."""
    short = forged(stack.token(OWNER), exp=int(time.time()) + 2)
    renewing, idle = open_(token=short), open_(token=short)
    renewing.join(board.id)
    assert renewing.request("auth", {"token": stack.token(OWNER)})["event"] == "ack"
    assert idle.wait_closed() == 4401
    assert renewing.request("status")["data"]["rooms"] == [board.id]


def test_a_socket_that_becomes_somebody_else_keeps_no_room_of_its_former_user(
    stack: Stack, open_: Open, board: Board
) -> None:
    socket = open_(token=stack.token(OWNER))
    socket.join(board.id)
    socket.request("auth", {"token": stack.token(OPERATOR)})
    assert socket.wait_for("error")["data"] | {"message": ""} == {
        "code": "forbidden",
        "message": "",
        "projectId": board.id,
    }
    assert socket.request("status")["data"]["rooms"] == []


# --- Cookies and origins --------------------------------------------------------------------------


@pytest.fixture
def cookie(stack: Stack) -> Iterator[str]:
    with session_of(stack.second.http_url, OPERATOR) as client:
        yield f"theme=dark; sessionid={client.cookies['sessionid']}"


def test_a_page_of_ours_opens_a_socket_by_its_cookie(stack: Stack, open_: Open, cookie: str) -> None:
    socket = open_(headers={"Cookie": cookie}, origin=stack.second.web_url)
    assert user_of(socket.next()) == expected(OPERATOR)


def test_a_page_of_the_gateways_own_port_is_ours_too(stack: Stack, open_: Open, cookie: str) -> None:
    socket = open_(headers={"Cookie": cookie}, origin=stack.second.http_url)
    assert user_of(socket.next()) == expected(OPERATOR)


def test_a_cookie_without_an_origin_is_refused(stack: Stack, cookie: str) -> None:
    """Some other program of the user's, which no browser keeps to any rule, is speaking."""
    assert refused_with(stack.second.ws_url, headers={"Cookie": cookie}) == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost:3001.evil.com", "null"])
def test_pages_of_elsewhere_are_refused_whatever_they_carry(stack: Stack, cookie: str, origin: str) -> None:
    url = stack.second.ws_url
    assert refused_with(url, origin=origin) == 403
    assert refused_with(url, origin=origin, headers={"Cookie": cookie}) == 403
    assert refused_with(url, origin=origin, token=stack.token(OWNER)) == 403


def test_a_cookie_that_is_nobodys_session_is_a_guest(stack: Stack, open_: Open) -> None:
    for value in ("0" * 32, "x", '"\\000aaaaaaaaaaaaaaa"', "é" * 40):
        socket = open_(headers={"Cookie": f"sessionid={value}"}, origin=stack.second.web_url)
        assert user_of(socket.next()) is None
        assert socket.request("ping")["event"] == "ack"


# --- Guests ---------------------------------------------------------------------------------------


def test_a_guest_reads_what_is_public_and_learns_nothing_of_the_rest(stack: Stack, open_: Open) -> None:
    public, private = Board(stack.api(OWNER), public=True), Board(stack.api(OWNER))
    guest = open_()
    guest.join(public.id)
    public.add_task("For all to see")
    assert guest.wait_for("task:created")["data"]["title"] == "For all to see"
    refused = guest.request("project:join", {"projectId": private.id})
    unknown = guest.request("project:join", {"projectId": "00000000-0000-4000-8000-000000000000"})
    assert refused["data"] == unknown["data"]
    assert refused["data"]["code"] == "not-found"
