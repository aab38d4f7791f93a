"""People who change a board, at random but by a seed, and know what they were told."""

import asyncio
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from tests.faults.history import History, Operation, outcome
from tests.support.api import bearer

ATTEMPT_SECONDS = 8
PAUSE_SECONDS = (0.04, 0.16)
AGAIN_SECONDS = 0.25
KINDS = {
    "task:created": 25,
    "task:updated": 25,
    "task:moved": 30,
    "comment:created": 10,
    "task:deleted": 5,
    "column:updated": 3,
    "column:moved": 2,
}


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    body: dict[str, Any] | None = None


def new_key(rng: random.Random) -> str:
    """An Idempotency-Key."""
    return str(UUID(int=rng.getrandbits(128), version=4))


class Writer:
    """One person with one request under way at a time, by way of the balancer.

    What got no answer is sent again under its key at times, and at times left at that: both can be checked.
    """

    def __init__(
        self, name: str, project: str, url: str, token: str, rng: random.Random, history: History
    ) -> None:
        self.name = name
        self.project = project
        self.rng = rng
        self.history = history
        self.stopping = False
        self._http = httpx.AsyncClient(base_url=url, headers=bearer(token), timeout=ATTEMPT_SECONDS)
        self._tasks: list[str] = []
        self._columns: list[str] = []
        self._count = 0

    async def run(self) -> None:
        """Write until told to stop; the operation under way is ended."""
        async with self._http:
            board = (await self._http.get(f"/api/projects/{self.project}/board/")).raise_for_status().json()
            self._columns = [column["id"] for column in board["columns"]]
            self._tasks = [task["id"] for task in board["tasks"]]
            while not self.stopping:
                await self.write()
                await asyncio.sleep(self.rng.uniform(*PAUSE_SECONDS))

    async def write(self) -> None:
        kind = self._choose()
        request = self._request(kind)
        key = new_key(self.rng)
        operation = self.history.invoke(self.name, kind, self.project, key)
        response = await self._send(operation, request, most=self.rng.choice((1, 4, 20)))
        self.history.end(operation, response)
        self._learn(kind, request, response)

    async def _send(self, operation: Operation, request: Request, most: int) -> httpx.Response | None:
        headers = {"Idempotency-Key": operation.key}
        response = None
        while operation.attempts < most:
            operation.attempts += 1
            try:
                response = await self._http.request(
                    request.method, request.path, json=request.body, headers=headers
                )
            except httpx.HTTPError:
                response = None
            if outcome(response.status_code if response is not None else None) != "unknown":
                break
            await asyncio.sleep(AGAIN_SECONDS)
        return response

    def _choose(self) -> str:
        if not self._tasks:
            return "task:created"
        return self.rng.choices(list(KINDS), weights=list(KINDS.values()))[0]

    def _request(self, kind: str) -> Request:
        self._count += 1
        text, column = f"{self.name} {self._count}", self.rng.choice(self._columns)
        if kind == "task:created":
            body = {"title": text, "column": column, "labels": [self.name]}
            return Request("POST", f"/api/projects/{self.project}/tasks/", body)
        if kind == "column:updated":
            return Request("PATCH", f"/api/columns/{column}/", {"name": text})
        if kind == "column:moved":
            after = self.rng.choice([None, *(c for c in self._columns if c != column)])
            return Request("POST", f"/api/columns/{column}/move/", {"after": after})
        task = self.rng.choice(self._tasks)
        if kind == "task:moved":
            after = self.rng.choice([None, *(t for t in self._tasks if t != task)])
            return Request("POST", f"/api/tasks/{task}/move/", {"column": column, "after": after})
        if kind == "comment:created":
            return Request("POST", f"/api/tasks/{task}/comments/", {"text": text})
        if kind == "task:deleted":
            return Request("DELETE", f"/api/tasks/{task}/")
        return Request("PATCH", f"/api/tasks/{task}/", {"title": text})

    def _learn(self, kind: str, request: Request, response: httpx.Response | None) -> None:
        if response is None:
            return
        if kind == "task:created" and response.status_code == httpx.codes.CREATED:
            self._tasks.append(response.json()["id"])
        gone = kind == "task:deleted" or response.status_code == httpx.codes.NOT_FOUND
        if gone and request.path.startswith("/api/tasks/"):
            task = request.path.split("/")[3]
            self._tasks = [known for known in self._tasks if known != task]
