"""Pages of strangers in the browser of somebody who is logged in: no write and no form of theirs is taken."""

import re
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from tests.attacks.log_ins import Visitor
from tests.realtime.wire import session_of
from tests.support.boards import Board
from tests.support.documented import document
from tests.support.people import EDITOR, OPERATOR, OWNER
from tests.support.stack import Stack

EVIL = "https://evil.example"
JSON = "application/json"
BODY = b'{"name":"Theirs","title":"Theirs","text":"Theirs"}'


def writes() -> list[tuple[str, str]]:
    """Method and path of each operation that changes something and takes a session's cookie."""
    return [
        (method.upper(), path)
        for path, operations in document()["paths"].items()
        for method in operations
        if method in ("post", "put", "patch", "delete") and "/auth/" not in path and "/publish/" not in path
    ]


@pytest.fixture
def browser(stack: Stack) -> Iterator[httpx.Client]:
    """The owner's, logged in."""
    visitor = Visitor(stack, "127.0.0.1")
    assert visitor.by_page(**OWNER.credentials).status_code == 302
    yield visitor.client
    visitor.close()


def forgeries(token: str) -> dict[str, dict[str, str]]:
    """The headers of each; all but the last lack what shows that a page of ours has sent them."""
    return {
        "no token": {"Content-Type": JSON},
        "a token of their own": {"Content-Type": JSON, "X-CSRFToken": "x" * len(token)},
        "a foreign origin": {"Content-Type": JSON, "X-CSRFToken": token, "Origin": EVIL},
        "no origin to speak of": {"Content-Type": JSON, "X-CSRFToken": token, "Origin": "null"},
        "what a form may send": {"Content-Type": "text/plain"},
        "a form": {"Content-Type": "application/x-www-form-urlencoded"},
        "no type": {},
    }


def test_no_write_of_the_api_is_taken_from_a_page_of_strangers(
    stack: Stack, board: Board, browser: httpx.Client
) -> None:
    task, column = board.add_task(), board.columns["Done"]
    comment = board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": "x"}).json()
    member = board.owner.get(f"{board.path}/members/").json()["results"][-1]
    ids = {"project_id": board.id, "task_id": task["id"], "column_id": column, "comment_id": comment["id"]}
    ids["membership_id"] = member["id"]
    before, boards = board.snapshot(), browser.get("/api/projects/").json()
    kinds = forgeries(browser.cookies["csrftoken"])
    for method, pattern in writes():
        path = re.sub(r"{(\w+)}", lambda found: ids[found[1]], pattern)
        for kind, headers in kinds.items():
            answer = browser.request(method, path, headers=headers, content=BODY)
            assert answer.status_code in (403, 415), (method, path, kind)
        for name in ("X-HTTP-Method-Override", "X-Method-Override", "_method"):
            overridden = browser.get(path, headers={name: method}, params={"_method": method})
            assert overridden.status_code in (200, 400, 405), (method, path, name)
    assert board.snapshot() == before
    assert browser.get("/api/projects/").json() == boards


@pytest.mark.parametrize("path", ["/login", "/logout", "/logout/everywhere"])
def test_no_form_is_taken_from_a_page_of_strangers(browser: httpx.Client, path: str) -> None:
    """A log-in too: whoever types on would type into a stranger's account."""
    token = browser.cookies["csrftoken"]
    for fields, headers in (
        ({}, {}),
        ({"csrfmiddlewaretoken": "x" * len(token)}, {}),
        ({"csrfmiddlewaretoken": token}, {"Origin": EVIL}),
        ({"csrfmiddlewaretoken": token}, {"Origin": "null"}),
    ):
        answer = browser.post(path, data={**OPERATOR.credentials, **fields}, headers=headers)
        assert answer.status_code == 403, (path, fields, headers)
    if path != "/login":
        assert browser.get(path).status_code == 405
    assert browser.get("/api/me/").json()["username"] == OWNER.username


def test_no_form_of_the_admin_is_taken_from_a_page_of_strangers(stack: Stack) -> None:
    with session_of(stack.first.http_url, OPERATOR) as browser:
        policy = browser.get("/admin/policy/")
        assert policy.status_code == 200
        links = set(re.findall(r'href="(/admin/[^"?#]*)"', browser.get("/admin/").text + policy.text))
        assert len(links) > 10
        for path in sorted(links):
            for headers in ({}, {"Origin": EVIL}):
                answer = browser.post(path, data={"x": "y"}, headers=headers)
                assert answer.status_code in (403, 405), (path, headers)
        assert browser.get("/admin/policy/").status_code == 200


def test_a_token_in_the_address_or_of_another_scheme_is_nobodys(stack: Stack, board: Board) -> None:
    """Addresses are kept in logs and histories."""
    token, url = stack.token(OWNER), f"{stack.first.http_url}{board.path}/"
    for query in ({"token": token}, {"access_token": token}, {"Authorization": f"Bearer {token}"}):
        assert httpx.get(url, params=query, timeout=10).status_code in (400, 404)
    for header in (f"Basic {token}", f"Token {token}", token, f"JWT {token}"):
        assert httpx.get(url, headers={"Authorization": header}, timeout=10).status_code == 404
    assert httpx.get(url, headers={"Authorization": f"bearer  {token}"}, timeout=10).status_code == 200


def test_a_key_of_somebody_else_shows_nothing_of_their_write(stack: Stack, board: Board) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    path = f"{board.path}/tasks/"
    mine = board.owner.post(path, {"title": "Mine"}, headers=key).json()
    theirs = stack.api(EDITOR).post(path, {"title": "Mine"}, headers=key).json()
    assert mine["id"] != theirs["id"]
