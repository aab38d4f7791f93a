"""A project to write into: one of our own, or one that is there, with tasks of ours that go again."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandError

from devmentor.loadtesting.http import Answer, Http, reason

NAME = "Load test"


@dataclass(slots=True)
class Task:
    """Changed by one write at a time, so that each of them changes something, and so is an event."""

    id: str
    columns: deque[str]
    writes: int = 0

    def next_write(self) -> tuple[str, str, dict[str, Any]]:
        """A new title and a move to another column, in turn: method, path, body."""
        self.writes += 1
        if self.writes % 2 or len(self.columns) < 2:
            return "PATCH", f"/api/tasks/{self.id}/", {"title": f"{NAME} {self.writes}"}
        self.columns.rotate(-1)
        return "POST", f"/api/tasks/{self.id}/move/", {"column": self.columns[0], "after": None}


class Board:
    """`id`: the project's. `tasks`: those that no write is under way to."""

    def __init__(self, http: Http, id: str) -> None:
        self.http = http
        self.id = id
        self.tasks: asyncio.Queue[Task] = asyncio.Queue()
        self._made: list[str] = []

    async def head(self) -> int:
        """seq of the project's newest event, as the database has it. Raises CommandError."""
        return int((await self._snapshot())["seq"])

    async def fill(self, count: int) -> None:
        """Make the tasks. Raises CommandError."""
        columns = [str(column["id"]) for column in (await self._snapshot())["columns"]]
        if not columns:
            raise CommandError(f"project {self.id} has no column to write into: add one")
        for _ in range(count):
            made = await self.http.ask("POST", f"/api/projects/{self.id}/tasks/", {"title": NAME})
            if made.status != 201:
                raise CommandError(self._refused(made))
            task = made.json()
            self._made.append(task["id"])
            self.tasks.put_nowait(Task(task["id"], deque([*columns])))

    async def clear(self) -> None:
        """Delete the tasks again."""
        for made in self._made:
            with suppress(OSError):
                await self.http.ask("DELETE", f"/api/tasks/{made}/")

    async def _snapshot(self) -> dict[str, Any]:
        try:
            found = await self.http.ask("GET", f"/api/projects/{self.id}/board/")
        except OSError as failure:
            raise CommandError(f"the board cannot be read: {reason(failure)}") from None
        if found.status != 200:
            raise CommandError(self._refused(found))
        board: dict[str, Any] = found.json()
        return board

    def _refused(self, answer: Answer) -> str:
        match answer.status:
            case 404:
                why = "it is not there, or this user may not see it"
            case 403:
                why = "this user may only read it"
            case _:
                return f"project {self.id} cannot be used: {answer}"
        return f"project {self.id} cannot be used: {why}. It takes an editor: add this user as one"


@asynccontextmanager
async def board_of(http: Http, project: str | None, tasks: int, passing: bool) -> AsyncIterator[Board]:
    """A board with so many tasks of ours, in a project of our own where none is given.

    passing: whether somebody else sees to the project's end, and so to that of the tasks
    """
    made = project is None
    if project is None:
        project = str((await http.surely("POST", "/api/projects/", {"name": NAME})).json()["id"])
    board = Board(http, project)
    try:
        await board.fill(tasks)
        yield board
    finally:
        if made:
            with suppress(OSError):
                await http.ask("DELETE", f"/api/projects/{project}/")
        elif not passing:
            await board.clear()
