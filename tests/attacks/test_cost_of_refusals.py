"""A request that is refused costs the gateway little, however large it is and whatever is wrong with it.

The seconds are of the gateway's processor, so a busy machine makes none of them.
"""

from collections.abc import Callable, Container
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from tests.realtime.wire import session_of
from tests.support.boards import Board
from tests.support.people import OPERATOR, OWNER
from tests.support.stack import Stack
from tests.support.usage import processor_seconds, resident_bytes

MOST_SECONDS = 0.2
MOST_ANSWER = 20_000
MOST_GROWTH = 30_000_000  # of memory, after all of them; each of the larger ones alone took a hundred
REPEATED = 10
FILLED = 250_000  # bytes: as much as is read
ONES = FILLED // 2


@pytest.fixture
def board(production: Stack) -> Board:
    return Board(production.api(OWNER))


Ask = Callable[[], httpx.Response]


def array(item: bytes, length: int = FILLED) -> bytes:
    """An array of items, `length` bytes of them."""
    return b"[" + b",".join([item] * (length // (len(item) + 1))) + b"]"


def names(count: int) -> bytes:
    return orjson.dumps({f"n{number}": 1 for number in range(count)})


BODIES = {
    "labels beyond what is read": ("tasks/", b'{"title":"x","labels":%b}' % array(b"1", 2_400_000)),
    "labels of a kind that labels are not": ("tasks/", b'{"title":"x","labels":%b}' % array(b"1")),
    "labels of nothing": ("tasks/", b'{"title":"x","labels":%b}' % array(b'""')),
    "labels of arrays": ("tasks/", b'{"title":"x","labels":%b}' % array(b"[[],[]]")),
    "columns": ("/api/projects/", b'{"name":"x","columns":%b}' % array(b'"x"')),
    "columns of a kind that columns are not": ("/api/projects/", b'{"name":"x","columns":%b}' % array(b"{}")),
    "unknown names": ("tasks/", names(20_000)),
    "more values than are read": ("tasks/", b'{"x":%b}' % array(b"1")),
    "a name as long as the body": ("tasks/", orjson.dumps({"n" * FILLED: 1})),
    "a title": ("tasks/", orjson.dumps({"title": "x" * FILLED})),
    "a title of blanks": ("tasks/", orjson.dumps({"title": " " * FILLED})),
    "a description": ("tasks/", orjson.dumps({"title": "x", "description": "é" * (FILLED // 2)})),
    "a date": ("tasks/", orjson.dumps({"title": "x", "dueOn": "1" * FILLED})),
    "an id": ("tasks/", orjson.dumps({"title": "x", "assignee": "a" * FILLED})),
    "a role": ("members/", orjson.dumps({"username": "x", "role": "o" * FILLED})),
    "a role of arrays": ("members/", b'{"username":"x","role":%b}' % array(b"[1]")),
    "a username": ("members/", orjson.dumps({"username": "x" * FILLED, "role": "viewer"})),
    "a deep value": ("tasks/", b'{"title":' + b"[" * ONES + b"]" * ONES + b"}"),
    "no JSON at all": ("tasks/", b"{" * FILLED),
    "a wide value": ("tasks/", b"[" + b"[]," * (FILLED // 3) + b"1]"),
}


def cheaply(stack: Stack, ask: Ask, answered: Container[int] = (400, 413), most: int = MOST_ANSWER) -> None:
    pid = stack.first.process.pid
    ask()  # whatever is loaded at the first time
    before = processor_seconds(pid)
    answers = [ask() for _ in range(REPEATED)]
    seconds = (processor_seconds(pid) - before) / REPEATED
    for answer in answers:
        assert answer.status_code in answered, answer.text[:500]
        assert len(answer.content) < most
    assert seconds < MOST_SECONDS


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_refused_is_refused_cheaply(production: Stack, board: Board, name: str) -> None:
    path, body = BODIES[name]
    path = path if path.startswith("/") else f"{board.path}/{path}"
    headers = {"Content-Type": "application/json"}
    cheaply(production, lambda: board.owner.request("POST", path, content=body, headers=headers))


def test_all_of_them_leave_the_gateway_no_larger(production: Stack, board: Board) -> None:
    headers = {"Content-Type": "application/json"}

    def send_all() -> None:
        for path, body in BODIES.values():
            path = path if path.startswith("/") else f"{board.path}/{path}"
            board.owner.request("POST", path, content=body, headers=headers)

    send_all()
    before = resident_bytes(production.first.process.pid)
    for _ in range(3):
        send_all()
    assert resident_bytes(production.first.process.pid) - before < MOST_GROWTH


QUERIES = {
    "unknown parameters": "&".join(f"p{number}=1" for number in range(900)),
    "more parameters than are read": "&".join(f"p{number}" for number in range(2500)),
    "the same parameter": "&".join(["cursor=x"] * 900),
    "a long parameter": f"cursor={'A' * 15_000}",
    "a long name": f"{'A' * 15_000}=1",
    "a long limit": f"limit={'1' * 15_000}",
    "many ids": f"moveTo={'123e4567-e89b-42d3-a456-426614174000,' * 400}",
    "many words": f"include={'a,' * 7000}",
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_refused_is_refused_cheaply(production: Stack, board: Board, name: str) -> None:
    paths = ["/api/projects/", f"{board.path}/tasks/", f"{board.path}/board/", f"{board.path}/events/"]
    for path in paths:
        cheaply(production, lambda path=path: board.owner.get(f"{path}?{QUERIES[name]}"))  # type: ignore[misc]


def test_a_poll_names_the_first_of_many_unknown_parameters(production: Stack, board: Board) -> None:
    """As every other route does, and says how many more there are."""
    for path in (f"{board.path}/events/", f"{board.path}/tasks/"):
        errors = board.owner.get(f"{path}?{'&'.join(map('p{}=1'.format, range(90)))}").json()["errors"]
        assert sum(map(len, errors.values())) <= 22
        assert "more" in errors["_"][-1]


@pytest.mark.parametrize("name", ["Content-Type", "Accept", "Accept-Language", "Accept-Encoding"])
def test_a_header_of_many_parameters_is_refused_cheaply(production: Stack, board: Board, name: str) -> None:
    """Their parsers take the square of the length: 60 kB were two seconds of the loop."""
    headers = {name: 'a/b; x="' + ";" * 60_000}
    for path in ("/health", f"{board.path}/events/", f"{board.path}/board/", "/projects"):
        url = production.first.http_url + path
        cheaply(production, lambda url=url: httpx.get(url, headers=headers, timeout=30), {431})  # type: ignore[misc]


def test_the_openapi_document_is_made_once(production: Stack) -> None:
    url, pid = f"{production.first.http_url}/api/schema/", production.first.process.pid
    first = httpx.get(url, timeout=30)
    before = processor_seconds(pid)
    for _ in range(REPEATED):
        again = httpx.get(url, timeout=30)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["content-type"] == first.headers["content-type"]
    assert processor_seconds(pid) - before < MOST_SECONDS * REPEATED / 2
    as_json = httpx.get(url, headers={"Accept": "application/vnd.oai.openapi+json"}, timeout=30)
    assert as_json.json()["openapi"] == "3.1.1"


PAGES = ["/login", "/projects", "/admin/login/", "/admin/projects/project/add/", "/admin/policy/confirm/"]
FORMS = {
    "many fields": urlencode({f"f{number}": "" for number in range(20_000)}),
    "one field many times": "&".join(["name=x"] * 900),
    "a long name": urlencode({"name": "x" * 200_000, "username": "x" * 40_000}),
    "a long way back": urlencode({"next": "/" * 200_000}),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_that_is_refused_is_refused_cheaply(production: Stack, name: str) -> None:
    with session_of(production.first.http_url, OPERATOR) as browser:
        form = f"csrfmiddlewaretoken={browser.cookies['csrftoken']}&{FORMS[name]}"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for path in PAGES:
            cheaply(
                production,
                lambda path=path: browser.post(path, content=form, headers=headers),  # type: ignore[misc]
                range(200, 500),
                MOST_ANSWER + (len(form) if path.startswith("/admin/") else 0),  # they show it again
            )


@pytest.mark.parametrize("path", ["{board}/events/?since=1&", "/socket.io/?EIO=4&transport=polling&"])
def test_parameters_are_counted_before_they_are_parsed(path: str, production: Stack, board: Board) -> None:
    """It is the event loop that parses these, for which everybody else waits."""
    api = production.api(OWNER)
    address = path.format(board=board.path)
    refused = api.get(address + "&".join(f"{number}" for number in range(3000)))
    assert (refused.status_code, len(refused.content) < 500) == (400, True)
    assert "at most 100 parameters" in refused.text
    told = api.get(address + "&".join(f"{number}" for number in range(90)))
    assert (told.status_code, "at most 100" in told.text) == (400 if "events" in path else 200, False)
