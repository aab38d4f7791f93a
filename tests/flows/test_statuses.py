"""Every status that the OpenAPI document tells of is answered, and no other: each operation is provoked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from realtime.tokens import TokenType, issue
from tests.support.api import Api
from tests.support.boards import Board
from tests.support.documented import check, document
from tests.support.people import EDITOR, OPERATOR, OUTSIDER, OWNER, VIEWER
from tests.support.processes import eventually
from tests.support.raw_http import RawHttp, chunks, head
from tests.support.stack import Stack

EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
TOO_MUCH = b"x" * 3_000_000
# Any request may be refused so, whatever it asks for: its head, or a body, which also a GET may have.
MALFORMED = {
    400: ({"Transfer_Encoding": "chunked", "Content_Length": "3"}, b"abc"),
    413: ({"Content_Length": "3000000"}, b""),
    415: ({"Content_Type": "application/json; charset=latin-1", "Content_Length": "2"}, b"{}"),
    431: ({"X_Long": "x" * 70_000}, b""),
    501: ({"Transfer_Encoding": "gzip, chunked"}, chunks(b"{}")),
}
# Not provoked here: slow bodies, limits, blocked networks, a database that is away.
ELSEWHERE = {403, 408, 429, 503}
BODIES = {
    "/api/auth/token/": OWNER.credentials,
    "/api/projects/{project_id}/": {"name": "Another name"},
    "/api/projects/{project_id}/members/": {"username": OPERATOR.username, "role": "viewer"},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the document; `example` is a body that it takes."""

    method: str
    path: str
    statuses: frozenset[int]
    takes_body: bool
    example: Any

    @property
    def last(self) -> tuple[bool, bool]:
        """What deletes comes last, and the project last of all."""
        return self.method == "delete", self.path == "/api/projects/{project_id}/"


def operations() -> list[Operation]:
    found = [
        Operation(
            method,
            path,
            frozenset(map(int, told["responses"])),
            "requestBody" in told,
            BODIES.get(path) or _example(told.get("requestBody", {})),
        )
        for path, by_method in document()["paths"].items()
        for method, told in by_method.items()
    ]
    return sorted(found, key=lambda operation: operation.last)


def _example(body: dict[str, Any]) -> Any:
    examples = body.get("content", {}).get("application/json", {}).get("examples", {})
    return next((example["value"] for example in examples.values()), {})


def is_service(operation: Operation) -> bool:
    """Only services are counted there; anybody else is refused before."""
    return operation.path.endswith("/publish/")


class Provoker:
    """Asks in all ways that are refused, and then in one that is not; `seen` are the answers' statuses."""

    def __init__(self, stack: Stack, board: Board) -> None:
        self.stack = stack
        self.board = board
        task = board.add_task()
        comment = board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": "x"}).json()
        member = board.owner.get(f"{board.path}/members/").json()["results"][-1]
        self.ids = {
            **dict.fromkeys(("{project_id}", "{room_id}", "{id}"), board.id),
            "{task_id}": task["id"],
            "{comment_id}": comment["id"],
            "{column_id}": board.columns["Done"],
            "{membership_id}": member["id"],
        }
        self.key = f"key-{uuid4()}"
        # Who may do the most comes last.
        wrong, service = (
            Api(stack.first.http_url, token)
            for token in ("no.such.token", issue("ai", TokenType.SERVICE, 600))
        )
        people = (None, OUTSIDER, VIEWER, EDITOR, OWNER)
        self.clients = [wrong, *map(stack.api, people), service]
        used = {"Idempotency-Key": self.key}
        board.owner.post(f"{board.path}/tasks/", {"title": "x"}, headers=used)
        service.post(f"{board.path}/publish/", {"event": "ai:x", "data": {}}, headers=used)
        self.seen: set[int] = set()

    def provoke(self, operation: Operation) -> set[int]:
        self.seen = set()
        for headers in (
            {"Accept": "text/html"},
            {"If-Match": '"99"'},
            {"If-None-Match": "*"},
            {"Idempotency-Key": self.key},
            {"X-Expected-User": str(uuid4())},
            {"Content-Type": "a/b; c*=nonsense'x'y"},
        ):
            self._ask(operation, self._able(operation), headers=headers)
        for query in ({"since": "99999"}, {"x": "y", "since": "z"}, {"moveTo": self.board.columns["To do"]}):
            self._ask(operation, self._able(operation), params=query)
        self._malform(operation)
        if operation.takes_body:
            self._break_bodies(operation)
        if operation.path.endswith("/events/"):
            tag = {"If-None-Match": f'"{self.board.seq}"'}
            self._ask(operation, self._able(operation), params={"since": str(self.board.seq)}, headers=tag)
        if operation.path.startswith("/api/auth/"):
            self._log_in(operation)
        if (operation.method, operation.path) == ("post", "/api/projects/"):
            self._repeat_what_is_gone(operation)
        self._ask(operation, self._able(operation), path=self._path(operation, str(uuid4())))
        for client in self.clients:
            self._ask(operation, client)
        return self.seen

    def _able(self, operation: Operation) -> Api:
        return self.clients[-1 if is_service(operation) else -2]

    def _repeat_what_is_gone(self, operation: Operation) -> None:
        """The kept answer shows a board to nobody who may not see it any more."""
        client, key = self._able(operation), {"Idempotency-Key": f"key-{uuid4()}"}
        made = client.post(operation.path, self._body(operation), headers=key).json()
        client.delete(f"/api/projects/{made['id']}/")
        self._ask(operation, client, headers=key)

    def _log_in(self, operation: Operation) -> None:
        """Wrongly, and by the refresh token of a right one."""
        guest = self.stack.api(None)
        refresh = guest.post("/api/auth/token/", OWNER.credentials).json()["refresh"]
        for body in ({"username": "x", "password": "x"}, {"refresh": "x.y.z"}, {"refresh": refresh}):
            self.seen.add(guest.post(operation.path, body).status_code)

    def _break_bodies(self, operation: Operation) -> None:
        for media_type, body in (
            ("application/json", b"{"),
            ("text/plain", b"{}"),
            ("application/json", TOO_MUCH),
        ):
            headers = {"Content-Type": media_type}
            self._ask(operation, self._able(operation), content=body, headers=headers)

    def _malform(self, operation: Operation) -> None:
        method, path = operation.method.upper(), self._path(operation)
        for status, (headers, body) in MALFORMED.items():
            self._send(operation, status, head(method, path, self._host, **headers), body)
        self._send(operation, 414, head(method, f"{path}?q={'x' * 17_000}", self._host))
        newer = head(method, path, self._host).replace(b"HTTP/1.1", b"HTTP/2.0")
        self._send(operation, 505, newer)

    @property
    def _host(self) -> str:
        return urlsplit(self.stack.first.http_url).netloc

    def _send(self, operation: Operation, expected: int, *parts: bytes) -> None:
        with RawHttp(self.stack.first.http_url) as door:
            door.send(*parts)
            status = door.answer(operation.method.upper()).status
        assert status == expected, operation
        check(operation.method, self._path(operation), status)
        self.seen.add(status)

    def _ask(self, operation: Operation, client: Api, path: str = "", **options: Any) -> None:
        if operation.takes_body and "content" not in options:
            options["json"] = self._body(operation)
        answer = client.request(operation.method, path or self._path(operation), **options)
        self.seen.add(answer.status_code)

    def _path(self, operation: Operation, id_: str = "") -> str:
        path = operation.path
        for name, known in self.ids.items():
            path = path.replace(name, id_ or known)
        return path

    def _body(self, operation: Operation) -> Any:
        body = operation.example
        if "column" in body:
            body = {**body, "column": self.board.columns["To do"]}
        if operation.path.endswith("/columns/"):
            body = {"name": f"Column {uuid4().hex[:8]}"}
        return body

    def close(self) -> None:
        self.clients[0].close()
        self.clients[-1].close()


@pytest.fixture
def provoker(stack: Stack, board: Board) -> Iterator[Provoker]:
    made = Provoker(stack, board)
    yield made
    made.close()


@EMBEDDED
def test_the_document_tells_what_is_answered_and_nothing_else(provoker: Provoker) -> None:
    """`Api` fails where the document lacks a status; here what it has must come."""
    missing = {
        f"{operation.method} {operation.path}": sorted(missed)
        for operation in operations()
        if (missed := operation.statuses - provoker.provoke(operation) - ELSEWHERE)
    }
    assert missing == {}


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(API_CALLS_PER_MINUTE="1")
def test_limits_and_blocked_networks_hold_for_every_operation(own_stack: Stack) -> None:
    api, nobody = own_stack.api(OWNER), str(uuid4())
    api.get("/api/me/")
    limited = [operation for operation in operations() if 429 in operation.statuses]
    assert {ask(api, operation, nobody) for operation in limited if not is_service(operation)} == {429}
    own_stack.manage("block", "127.0.0.0/8", "--reason", "a test")
    eventually(lambda: api.get("/api/me/").status_code == 403, what="the block to hold")
    assert {ask(api, operation, nobody) for operation in operations()} == {403}


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(API_CALLS_PER_MINUTE="4", REQUIRE_AUTH="on")
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"Cookie": "sessionid=x"}],
    ids=["nobody", "a token that does not hold", "a cookie that does not hold"],
)
def test_calls_that_are_refused_for_their_credentials_are_counted(
    own_stack: Stack, headers: dict[str, str]
) -> None:
    """Else whoever has none asks as often as they like. Who has good ones has calls of their own."""
    member, url = own_stack.api(OWNER), f"{own_stack.first.http_url}/api/projects/"  # one call: to log in
    found = [httpx.get(url, headers=headers, timeout=10) for _ in range(5)]
    assert [answer.status_code for answer in found] == [401] * 3 + [429] * 2
    assert int(found[-1].headers["retry-after"]) >= 1
    assert member.get("/api/projects/").status_code == 200


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
@pytest.mark.settings(API_CALLS_PER_MINUTE="4", REQUIRE_AUTH="on")
@pytest.mark.parametrize(
    "status, method, query, headers",
    [
        (401, "GET", "", {"Authorization": "Bearer x"}),
        (401, "GET", "", {"Cookie": "sessionid=x"}),
        (400, "GET", "?since=x", {}),
        (405, "POST", "", {}),
    ],
    ids=["a token", "a cookie", "a query", "a method"],
)
def test_polls_that_are_refused_are_counted(
    own_stack: Stack, status: int, method: str, query: str, headers: dict[str, str]
) -> None:
    """As calls are, whatever is wrong with them. Who has good credentials has calls of their own."""
    member, path = own_stack.api(OWNER), f"/api/projects/{uuid4()}/events/"  # one call: to log in
    url = f"{own_stack.first.http_url}{path}{query}"
    found = [httpx.request(method, url, headers=headers, timeout=10) for _ in range(5)]
    assert [answer.status_code for answer in found] == [status] * 3 + [429] * 2
    assert int(found[-1].headers["retry-after"]) >= 1
    assert member.get(path).status_code == 404
    own_stack.manage("block", "127.0.0.0/8", "--reason", "a test")
    eventually(
        lambda: httpx.request(method, url, headers=headers, timeout=10).status_code == 403,
        what="the block to be told, whatever was counted",
    )


def ask(api: Api, operation: Operation, id_: str) -> int:
    path = "/".join(id_ if part.startswith("{") else part for part in operation.path.split("/"))
    return api.request(operation.method, path, **({"json": {}} if operation.takes_body else {})).status_code
