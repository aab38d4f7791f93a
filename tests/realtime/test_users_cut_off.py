"""An operator disables a user, or gives them a new password: their open sockets end, nobody else's do."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from uuid import uuid4

import httpx
import pytest

from tests.realtime.wire import session_of
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.people import EDITOR, OPERATOR, OWNER, Person
from tests.support.sockets import Socket
from tests.support.stack import Stack

USERS = "/admin/projects/user"


class Form(HTMLParser):
    """The values that a browser would send for a page's fields, untouched."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "select":
            self._select = found.get("name")
        elif tag == "option" and self._select and "selected" in found:
            self.values.setdefault(self._select, []).append(found.get("value", ""))
        elif tag == "input" and "name" in found and self._is_sent(found):
            self.values.setdefault(found["name"], []).append(found.get("value", self._default(found)))

    def _default(self, field: dict[str, str]) -> str:
        return "on" if field.get("type") == "checkbox" else ""

    def _is_sent(self, field: dict[str, str]) -> bool:
        kind = field.get("type")
        return kind not in ("submit", "button") and (kind not in ("checkbox", "radio") or "checked" in field)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None


@pytest.fixture
def operator(stack: Stack) -> Iterator[httpx.Client]:
    with session_of(stack.first.http_url, OPERATOR) as client:
        yield client


@pytest.fixture
def person(operator: httpx.Client) -> Person:
    """A user made for this test alone."""
    made = Person(f"temporary-{uuid4().hex[:8]}", "Tom Temporary")
    passwords = {"usable_password": "true", "password1": made.password, "password2": made.password}
    submit(operator, f"{USERS}/add/", username=[made.username], **{k: [v] for k, v in passwords.items()})
    return made


def submit(operator: httpx.Client, path: str, **changes: list[str]) -> None:
    """Open the admin's form at that address, change some fields, and send it."""
    page = operator.get(path)
    assert page.status_code == 200, path
    values = {**Form(page.text).values, **changes}
    answer = operator.post(path, data=values, headers={"Referer": str(operator.base_url)})
    complaints = re.findall(r'<ul class="errorlist.*?</ul>', answer.text, re.DOTALL)
    assert answer.status_code == 302, complaints


def id_of(stack: Stack, person: Person) -> str:
    found: str = answered(stack.api(person).get("/api/me/"), 200)["id"]
    return found


def joined(stack: Stack, board: Board, person: Person) -> list[Socket]:
    """A socket of this person on each gateway, in the board's room."""
    sockets = [stack.socket(person, gateway) for gateway in stack.gateways]
    for socket in sockets:
        socket.join(board.id)
    return sockets


def add_member(board: Board, person: Person) -> None:
    body = {"username": person.username, "role": "editor"}
    answered(board.owner.post(f"{board.path}/members/", body), 201)


def test_a_disabled_user_is_cut_off_on_every_gateway(
    stack: Stack, board: Board, operator: httpx.Client, person: Person
) -> None:
    """A token lives on for a quarter of an hour; somebody who was let go must not listen that long."""
    add_member(board, person)
    theirs, others = joined(stack, board, person), joined(stack, board, EDITOR)
    submit(operator, f"{USERS}/{id_of(stack, person)}/change/", is_active=[])
    for socket in theirs:
        assert socket.wait_closed() == 4401
    refused = stack.api(None).get("/api/me/", headers={"Authorization": f"Bearer {stack.token(person)}"})
    assert refused.status_code == 401
    with Socket(stack.second.ws_url, token=stack.token(person)) as again:
        assert again.wait_closed() == 4401
    board.add_task()
    for socket in others:
        socket.wait_for("task:created")


def test_a_new_password_ends_what_the_old_one_opened(
    stack: Stack, board: Board, operator: httpx.Client, person: Person
) -> None:
    """It is what one does when a laptop was stolen."""
    add_member(board, person)
    theirs, others = joined(stack, board, person), joined(stack, board, OWNER)
    new = ["another long enough pass phrase"]
    submit(
        operator,
        f"{USERS}/{id_of(stack, person)}/password/",
        usable_password=["true"],
        password1=new,
        password2=new,
    )
    for socket in theirs:
        assert socket.wait_closed() == 4401
    for socket in others:
        assert socket.request("ping")["event"] == "ack"


def test_a_user_disabled_by_a_bell_that_nobody_heard_is_cut_off_all_the_same(
    stack: Stack, board: Board, person: Person
) -> None:
    """Another process wrote the row, and its bell was lost, as when Redis is down."""
    add_member(board, person)
    theirs = joined(stack, board, person)
    disable = f"User.objects.filter(username={person.username!r}).update(is_active=False)"
    stack.manage("shell", "-c", f"from projects.models import User; {disable}")
    for socket in theirs:
        assert socket.wait_closed() == 4401
