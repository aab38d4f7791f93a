"""The API's own description: valid, complete, and true of what the API answers."""

from typing import Any

import httpx
import pytest
import yaml
from drf_spectacular.validation import validate_schema

from tests.support.stack import Stack

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
