"""Generated requests for every operation of the OpenAPI document, sent as somebody of a role."""

from dataclasses import dataclass
from typing import Any

import httpx
import schemathesis

from tests.support.boards import Board

PROBLEM = "application/problem+json"
OWN_HEADERS = {"authorization", "host", "cookie"}


def operations(url: str) -> list[Any]:
    """Those of the document; what deletes comes last, and the project last of all."""
    schema: Any = schemathesis.openapi.from_url(f"{url}/api/schema/")
    return sorted((found.ok() for found in schema.get_all_operations()), key=_destruction)


def _destruction(operation: Any) -> tuple[bool, bool]:
    return operation.method == "delete", "projects" in operation.path


def known_ids(board: Board) -> dict[str, str]:
    """Of what is there, by the word of the address before it."""
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


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody of a role, who knows a board."""

    client: httpx.Client
    ids: dict[str, str]

    def call(self, case: Any, real: bool) -> None:
        """Send a generated case, by the ids of what is there or its own, and hold the answer to the rules."""
        kind = case.operation.path.split("/")[2]
        if real and kind in self.ids and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, self.ids[kind])
        if case.query and "wait" in case.query:
            case.query["wait"] = 0
        check(self._send(case))

    def _send(self, case: Any) -> httpx.Response:
        """By our own client: its connections are kept, and the host is the gateway's."""
        prepared = case.as_transport_kwargs(base_url=str(self.client.base_url))
        data = prepared.get("data")
        given = dict(prepared.get("headers") or {})
        return self.client.request(
            prepared["method"],
            prepared["url"],
            params=prepared.get("params"),
            headers={name: value for name, value in given.items() if name.lower() not in OWN_HEADERS},
            json=prepared.get("json"),
            content=data if isinstance(data, bytes) else None,
        )


def check(answer: httpx.Response) -> None:
    """No fault, and what is refused is told as a problem."""
    request = answer.request
    shown = f"{request.method} {request.url} {request.content[:300]!r}: {answer.text[:300]}"
    assert answer.status_code < 500, shown
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == PROBLEM, shown
        assert answer.json()["status"] == answer.status_code, shown
