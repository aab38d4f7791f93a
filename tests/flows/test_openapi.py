"""The API's own description: valid, complete, and true of what the API answers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.boards import Board
from tests.support.people import OWNER
from tests.support.stack import Stack

EXAMPLES = 6
ROUTES = [
    *(
        "/api/me/",
        "/api/projects/",
        "/api/projects/{}/",
        "/api/projects/{}/board/",
        "/api/projects/{}/events/",
    ),
    *("/api/projects/{}/members/", "/api/members/{}/", "/api/projects/{}/columns/", "/api/columns/{}/"),
    *("/api/columns/{}/move/", "/api/projects/{}/tasks/", "/api/tasks/{}/", "/api/tasks/{}/move/"),
    *("/api/tasks/{}/comments/", "/api/comments/{}/", "/api/projects/{}/publish/", "/api/realtime/"),
    *("/api/auth/token/", "/api/auth/token/refresh/", "/api/auth/token/end/"),
]


def document(stack: Stack) -> dict[str, Any]:
    answer = httpx.get(f"{stack.first.http_url}/api/schema/", timeout=30)
    assert answer.status_code == 200
    found: dict[str, Any] = yaml.safe_load(answer.text)
    return found


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_the_document_is_valid_and_names_every_route(stack: Stack) -> None:
    found = document(stack)
    validate_schema(found)
    assert found["openapi"].startswith("3.")
    named = {_without_names(path) for path in found["paths"]}
    assert set(ROUTES) <= named


def _without_names(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_people_may_read_it_on_a_page(stack: Stack) -> None:
    page = httpx.get(f"{stack.first.web_url}/api/docs/", timeout=30)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
def test_the_sockets_are_described_too(stack: Stack) -> None:
    answer = httpx.get(f"{stack.first.http_url}/api/asyncapi.yaml", timeout=30)
    found = yaml.safe_load(answer.text)
    assert found["asyncapi"].startswith("3.")


def test_whatever_the_document_allows_is_answered_and_never_a_fault(stack: Stack, board: Board) -> None:
    """Generated requests for every operation, by an owner, with ids that are there and ids that are not."""
    schema = schemathesis.openapi.from_url(f"{stack.first.http_url}/api/schema/")
    headers = {"Authorization": f"Bearer {stack.token(OWNER)}"}
    with httpx.Client(base_url=stack.first.http_url, headers=headers, timeout=20) as client:
        ids = known_ids(board)
        for operation in sorted(operations(schema), key=destruction):
            try_(operation.as_strategy(), ids, client)


def operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def destruction(operation: Any) -> tuple[bool, bool]:
    """What deletes comes last, and the project last of all."""
    return operation.method == "delete", "projects" in operation.path


def known_ids(board: Board) -> dict[str, str]:
    task = board.add_task()
    comment = board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": "x"}).json()
    member = board.owner.get(f"{board.path}/members/").json()["results"][-1]
    return {
        "projects": board.id,
        "tasks": task["id"],
        "comments": comment["id"],
        "columns": board.columns["Done"],
        "members": member["id"],
    }


def try_(strategy: st.SearchStrategy[Any], ids: dict[str, str], client: httpx.Client) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy, real=st.booleans())
    def call(case: Any, real: bool) -> None:
        kind = case.operation.path.split("/")[2]
        if real and kind in ids and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, ids[kind])
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        check(send(case, client))

    run: Callable[[], None] = call
    run()


def send(case: Any, client: httpx.Client) -> httpx.Response:
    """By our own client: its connections are kept, and the host is the gateway's."""
    prepared = case.as_transport_kwargs(base_url=str(client.base_url))
    headers = {
        name: value
        for name, value in dict(prepared.get("headers") or {}).items()
        if name.lower() not in {"authorization", "host", "cookie"}
    }
    return client.request(
        prepared["method"],
        prepared["url"],
        params=prepared.get("params"),
        headers=headers,
        json=prepared.get("json"),
        content=prepared.get("data") if isinstance(prepared.get("data"), bytes) else None,
    )


def check(answer: httpx.Response) -> None:
    shown = (
        f"{answer.request.method} {answer.request.url} {answer.request.content[:300]!r}: {answer.text[:300]}"
    )
    assert answer.status_code < 500, shown
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", shown
        assert answer.json()["status"] == answer.status_code, shown
