"""Holds the answers that tests get to the OpenAPI document: a status that it lacks fails the test."""

import re
from functools import cache
from typing import Any

import httpx

FAULT = 500  # promised by nobody; a test that looks for faults says so itself
Statuses = dict[str, set[int]]


@cache
def document() -> dict[str, Any]:
    from drf_spectacular.generators import SchemaGenerator

    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


@cache
def _routes() -> list[tuple[re.Pattern[str], Statuses]]:
    return [
        (
            re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))),
            {name: set(map(int, found["responses"])) for name, found in operations.items()},
        )
        for path, operations in document()["paths"].items()
    ]


def statuses(method: str, path: str) -> set[int] | None:
    """What may be answered there; None where the document has no such operation."""
    for pattern, operations in _routes():
        if pattern.fullmatch(path):
            return operations.get(method.lower())
    return None


def check(method: str, path: str, status: int) -> None:
    allowed = statuses(method, path)
    if allowed is not None and status not in allowed | {FAULT}:
        raise AssertionError(
            f"{method} {path} was answered {status}, and the OpenAPI document has {sorted(allowed)}"
        )


def check_response(answer: httpx.Response) -> None:
    """An event hook of httpx."""
    check(answer.request.method, answer.request.url.path, answer.status_code)
