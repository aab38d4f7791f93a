"""Bodies of requests, however they are framed and encoded: read to the last byte, or refused."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.realtime.wire import session_of
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.engineio import Polling
from tests.support.engineio import path as engine_path
from tests.support.people import OPERATOR, OWNER
from tests.support.proxies import HAProxy
from tests.support.raw_http import Answer, RawHttp, chunks, head
from tests.support.stack import Stack

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"
TOO_MUCH = 3_000_000
HAPROXY = "listen web\n  bind 127.0.0.1:@PORT@\n  server one 127.0.0.1:{port}\n"


@pytest.fixture
def door(stack: Stack) -> Iterator[RawHttp]:
    """A connection to the first gateway."""
    with RawHttp(stack.first.http_url) as connection:
        yield connection


def ask(
    door: RawHttp, method: str, path: str, framed: bytes, token: str | None = None, **headers: str
) -> Answer:
    """Send a request whose body is framed already; its answer. Chunks unless a header says otherwise."""
    framing = {} if "Content_Length" in headers else {"Transfer_Encoding": "chunked"}
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    sent = {"Content_Type": JSON, **framing, **bearer, **headers}
    door.send(head(method, path, door.host, **sent), framed)
    return door.answer(method)


def refusal(answer: Answer, status: int, code: str) -> str:
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    return str(answer.json()["detail"])


def in_chunks(**values: object) -> bytes:
    return chunks(json.dumps(values).encode())


def in_parts(fields: dict[str, str]) -> bytes:
    parts = (
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return ("".join(parts) + "--frontier--\r\n").encode()


# --- Chunks ------------------------------------------------------------------------------------------


def test_writes_in_chunks_are_done(stack: Stack, board: Board, door: RawHttp) -> None:
    """curl and many clients send so what they read from a pipe; an answered write may not be lost."""
    token = stack.token(OWNER)
    made = ask(door, "POST", f"{board.path}/tasks/", in_chunks(title="A"), token).json()
    path = f"/api/tasks/{made['id']}/"
    assert ask(door, "PATCH", path, in_chunks(title="New"), token).json()["title"] == "New"
    place = in_chunks(column=board.columns["Done"], after=None)
    assert ask(door, "POST", f"{path}move/", place, token).json()["column"] == board.columns["Done"]
    assert ask(door, "POST", f"{path}comments/", in_chunks(text="Hello"), token).json()["text"] == "Hello"
    (task,) = board.snapshot()["tasks"]
    assert (task["title"], task["column"]) == ("New", board.columns["Done"])


def test_a_key_goes_with_the_body_in_chunks_or_with_a_length(
    stack: Stack, board: Board, door: RawHttp
) -> None:
    task, key = board.add_task(), f"key-{uuid4()}"
    path = f"/api/tasks/{task['id']}/"
    ask(door, "PATCH", path, in_chunks(title="New"), stack.token(OWNER), Idempotency_Key=key)
    again = board.owner.patch(path, {"title": "New"}, headers={"Idempotency-Key": key})
    assert answered(again, 200)["title"] == "New"
    assert again.headers["idempotent-replayed"] == "true"


def test_what_comes_in_chunks_is_held_to_what_is_read(stack: Stack, board: Board, door: RawHttp) -> None:
    token = stack.token(OWNER)
    path = f"/api/tasks/{board.add_task()['id']}/"
    refusal(ask(door, "PATCH", path, chunks(b"no json"), token), 400, "bad-request")
    wrong = ask(door, "PATCH", path, chunks(b"title=x"), token, Content_Type=FORM)
    refusal(wrong, 415, "unsupported-media-type")


def test_chunks_may_have_extensions_and_trailers(stack: Stack, board: Board, door: RawHttp) -> None:
    body = chunks(b'{"title":"Whole"}', 3, b";a=b", b"X-Checksum: 1\r\n")
    answer = ask(door, "POST", f"{board.path}/tasks/", body, stack.token(OWNER), Trailer="X-Checksum")
    assert (answer.status, answer.json()["title"]) == (201, "Whole")


def test_trailers_are_no_headers(stack: Stack, door: RawHttp) -> None:
    """A proxy that says who asks, and what they may claim, looks at the headers alone."""
    trailers = f"Authorization: Bearer {stack.token(OWNER)}\r\nIdempotency-Key: x\r\n".encode()
    refusal(ask(door, "GET", "/api/me/", chunks(b"{}", 7, b"", trailers)), 401, "unauthenticated")


def test_log_ins_in_chunks_are_read(stack: Stack, door: RawHttp) -> None:
    credentials = OPERATOR.credentials
    assert ask(door, "POST", "/api/auth/token/", in_chunks(**credentials)).status == 200
    with httpx.Client(base_url=stack.first.http_url) as client:
        for page, target in (("/login", "/projects"), ("/admin/login/", "/admin/")):
            client.get(page).raise_for_status()
            csrf = client.cookies["csrftoken"]
            fields = {**credentials, "csrfmiddlewaretoken": csrf, "next": target}
            for media_type, form in ((FORM, urlencode(fields).encode()), (MULTIPART, in_parts(fields))):
                cookie = f"csrftoken={csrf}"
                answer = ask(door, "POST", page, chunks(form), Content_Type=media_type, Cookie=cookie)
                assert (answer.status, answer.headers["location"]) == (302, target)


def test_a_form_of_the_admin_in_chunks_is_read(stack: Stack, door: RawHttp) -> None:
    with session_of(stack.first.http_url, OPERATOR) as browser:
        page = "/admin/projects/user/add/"
        browser.get(page).raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        name = f"user-{uuid4().hex[:8]}"
        form = {"username": name, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        sent = chunks(urlencode(form).encode())
        answer = ask(door, "POST", page, sent, Content_Type=FORM, Cookie=cookie)
        assert answer.status == 200
        assert name.encode() in answer.body  # shown again, with the name: its password is missing


def test_other_services_publish_in_chunks(board: Board, door: RawHttp) -> None:
    token = issue("ai", TokenType.SERVICE, 60)
    sent = in_chunks(event="ai:x", data={"text": "whole"})
    answer = ask(door, "POST", f"{board.path}/publish/", sent, token)
    assert (answer.status, answer.json()["data"]) == (201, {"text": "whole"})


def test_socketio_reads_packets_in_chunks(stack: Stack, door: RawHttp) -> None:
    with Polling(stack.first.http_url) as opened:
        own = engine_path(opened.sid)
        answer = ask(door, "POST", own, chunks(b"40"), Content_Type="text/plain;charset=UTF-8")
        assert answer.status == 200, answer
        door.send(head("GET", own, door.host))
        assert door.answer().body.startswith(b'40{"sid":')


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_haproxy_hands_chunks_on(stack: Stack, board: Board, tmp_path: Path) -> None:
    task = board.add_task()
    with (
        HAProxy(HAPROXY.format(port=stack.first.port), tmp_path) as proxy,
        RawHttp(proxy.http_url) as door,
    ):
        path, token = f"/api/tasks/{task['id']}/", stack.token(OWNER)
        answer = ask(door, "PATCH", path, in_chunks(title="New"), token)
        assert (answer.status, answer.json()["title"]) == (200, "New")
        large = chunks(b"x" * TOO_MUCH, 60_000)
        refusal(ask(door, "PATCH", path, large, token), 413, "too-large")


# --- Framing that is refused -------------------------------------------------------------------------


def both(length: str) -> dict[str, str]:
    return {"Content_Length": length, "Transfer_Encoding": "chunked"}


FRAMINGS = {
    "a length of nothing and chunks": (400, both("0")),
    "a length and chunks": (400, both("27")),
    "two lengths": (400, {"Content_Length": "5, 5"}),
    "a length with a sign": (400, {"Content_Length": "+5"}),
    "a coding in chunks": (501, {"Transfer_Encoding": "gzip, chunked"}),
    "a coding alone": (400, {"Transfer_Encoding": "gzip"}),
    "chunks twice": (501, {"Transfer_Encoding": "chunked, chunked"}),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_a_framing_that_may_be_read_in_two_ways_is_refused(
    stack: Stack, board: Board, door: RawHttp, name: str
) -> None:
    """Behind a proxy that reads it in the other way somebody else's next request would be inside."""
    status, framing = FRAMINGS[name]
    hidden = head("GET", "/api/me/", door.host)
    path = f"{board.path}/tasks/"
    answer = ask(door, "POST", path, in_chunks(title="x") + hidden, stack.token(OWNER), **framing)
    assert answer.status in {400, status}
    assert door.is_closed()
    assert board.snapshot()["tasks"] == []


def test_an_older_protocol_has_lengths_alone(stack: Stack, board: Board) -> None:
    token = stack.token(OWNER)
    for status, framing, body in (
        (201, {"Content_Length": "13"}, b'{"title":"A"}'),
        (400, {"Transfer_Encoding": "chunked"}, in_chunks(title="B")),
    ):
        with RawHttp(stack.first.http_url) as door:
            headers = {"Authorization": f"Bearer {token}", "Content_Type": JSON, **framing}
            sent = head("POST", f"{board.path}/tasks/", door.host, **headers)
            door.send(sent.replace(b"HTTP/1.1", b"HTTP/1.0"), body)
            assert door.answer("POST").status == status
            assert door.is_closed()
    assert [task["title"] for task in board.snapshot()["tasks"]] == ["A"]


BROKEN = {
    "a size that is none": b"xyz\r\n{}\r\n",
    "a size of more digits than there are bytes": b"fffffffffffffffff\r\n{}\r\n",
    "a chunk longer than its size": b"1\r\n{}\r\n",
    "lines without a return": b"2\n{}\n0\n\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_chunks_that_are_none_are_a_bad_request(stack: Stack, board: Board, door: RawHttp, name: str) -> None:
    refusal(ask(door, "POST", f"{board.path}/tasks/", BROKEN[name], stack.token(OWNER)), 400, "bad-request")
    assert door.is_closed()
    assert board.snapshot()["tasks"] == []


def test_a_page_of_another_origin_may_read_why(stack: Stack, door: RawHttp) -> None:
    origin = stack.first.web_url
    answer = ask(door, "POST", "/api/projects/", chunks(b"{}"), Origin=origin, Content_Encoding="gzip")
    refusal(answer, 415, "unsupported-media-type")
    assert answer.headers["access-control-allow-origin"] == origin


# --- Bounds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.parametrize("path", ["/api/projects/", "/api/auth/token/", "/login", "/admin/login/", "/health"])
def test_what_is_too_large_is_refused_to_anybody(stack: Stack, path: str) -> None:
    """By its length before it comes, in chunks while it comes; the client hears why, and is cut off."""
    for framing, body in (
        ({"Content_Length": str(TOO_MUCH)}, b"x" * TOO_MUCH),
        ({"Transfer_Encoding": "chunked"}, chunks(b"x" * TOO_MUCH, 50_000)[:-5]),  # and it never ends
    ):
        with RawHttp(stack.first.http_url) as door:
            answer = ask(door, "POST", path, body, **framing)
            assert answer.status == 413
            if path.startswith("/api/"):
                refusal(answer, 413, "too-large")
            assert door.is_closed()


def test_a_client_that_waits_for_leave_sends_nothing_that_is_refused(
    stack: Stack, board: Board, door: RawHttp
) -> None:
    token, path = stack.token(OWNER), f"{board.path}/tasks/"
    body = b'{"title":"Asked first"}'
    length = str(len(body))
    assert ask(door, "POST", path, b"", token, Content_Length=length, Expect="100-continue").status == 100
    door.send(body)
    assert door.answer().json()["title"] == "Asked first"
    asked = ask(door, "POST", path, b"", token, Content_Length=str(TOO_MUCH), Expect="100-continue")
    refusal(asked, 413, "too-large")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_a_body_that_stops_is_told_so(stack: Stack, door: RawHttp) -> None:
    door.send(head("POST", "/api/projects/", door.host, Content_Type=JSON, Content_Length="20"), b'{"name"')
    assert "10 s" in refusal(door.answer("POST"), 408, "request-timeout")
    assert door.is_closed()


def test_a_client_that_leaves_in_the_middle_writes_nothing(stack: Stack, board: Board, door: RawHttp) -> None:
    bearer = f"Bearer {stack.token(OWNER)}"
    path = f"{board.path}/tasks/"
    sent = head("POST", path, door.host, Transfer_Encoding="chunked", Authorization=bearer, Content_Type=JSON)
    door.send(sent, in_chunks(title="Half")[:-5])
    door.socket.close()
    board.add_task("Whole")
    assert [task["title"] for task in board.snapshot()["tasks"]] == ["Whole"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "{board}/events/", "/projects"])
def test_what_nobody_reads_is_not_left_on_the_line(
    stack: Stack, board: Board, door: RawHttp, path: str
) -> None:
    """Nor taken for the next request."""
    path = path.replace("{board}", board.path)
    hidden = head("GET", "/health", door.host) * 40
    for method in ("POST", "DELETE", "GET"):
        for framing, body in (
            ({"Content_Length": str(len(hidden))}, hidden),
            ({"Transfer_Encoding": "chunked"}, chunks(hidden, 100)),
        ):
            ask(door, method, path, body, stack.token(OWNER), **framing)
            door.send(head("GET", "/health", door.host))
            assert set(door.answer().json()) == {"status", "connections"}


def test_requests_behind_one_that_is_refused_are_not_answered(
    stack: Stack, board: Board, door: RawHttp
) -> None:
    token = stack.token(OWNER)
    bearer = {"Authorization": f"Bearer {token}", "Content_Type": JSON}
    body = b'{"title":"x"}'
    next_one = head("POST", f"{board.path}/tasks/", door.host, Content_Length=str(len(body)), **bearer)
    encoded = {"Content_Length": "2", "Content_Encoding": "br"}
    answer = ask(door, "POST", f"{board.path}/tasks/", b"{}" + next_one + body, token, **encoded)
    assert answer.status == 415
    assert door.is_closed()
    assert board.snapshot()["tasks"] == []


# --- Encodings ---------------------------------------------------------------------------------------

ENCODED = {
    "gzip": (gzip.compress(b'{"title":"x"}'), {"Content_Encoding": "gzip"}),
    "br over plain JSON": (b'{"title":"x"}', {"Content_Encoding": "br"}),
    "two codings": (b'{"title":"x"}', {"Content_Encoding": "identity, deflate"}),
    "another charset": ('{"title":"é"}'.encode("latin-1"), {"Content_Type": f"{JSON}; charset=ISO-8859-1"}),
    "a charset of two bytes": (
        '{"title":"x"}'.encode("utf-16"),
        {"Content_Type": f'{JSON};charset="utf-16"'},
    ),
    "no charset at all": (b"{}", {"Content_Type": f"{JSON}; charset=nonsense"}),
    "a form in another charset": (b"username=x", {"Content_Type": f"{FORM}; charset=cp1252"}),
}


@pytest.mark.parametrize("name", ENCODED)
def test_an_encoding_that_is_not_read_is_told_by_its_name(
    stack: Stack, board: Board, door: RawHttp, name: str
) -> None:
    body, headers = ENCODED[name]
    answer = ask(
        door,
        "POST",
        f"{board.path}/tasks/",
        body,
        stack.token(OWNER),
        **{"Content_Length": str(len(body)), **headers},
    )
    detail = refusal(answer, 415, "unsupported-media-type")
    assert "identity" in detail if "Content_Encoding" in headers else "UTF-8" in detail
    assert answer.headers["accept-encoding"] == "identity"


def test_the_encodings_that_are_read_are_read(stack: Stack, board: Board, door: RawHttp) -> None:
    for headers in (
        {"Content_Encoding": "identity"},
        {"Content_Encoding": ""},
        {"Content_Type": f"{JSON}; charset=UTF-8"},
        {"Content_Type": f'{JSON};Charset="utf8"; x=y'},
    ):
        body = chunks('{"title":"Grüße"}'.encode())
        answer = ask(door, "POST", f"{board.path}/tasks/", body, stack.token(OWNER), **headers)
        assert (answer.status, answer.json()["title"]) == (201, "Grüße"), headers


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_media_type_that_is_none_is_a_bad_request(stack: Stack, door: RawHttp, method: str) -> None:
    answer = ask(door, method, "/api/me/", b"{}", Content_Length="2", Content_Type="a/b; c*=nonsense'x'y")
    refusal(answer, 400, "bad-request")
