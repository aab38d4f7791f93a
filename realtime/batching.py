"""Many questions, one query: what is asked while a query is under way goes into the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


class Batch(Generic[Q, A]):
    """Asks for all who wait at once. `query` takes the questions and gives one answer for them together.

    A query starts after each of its questions was asked, so that no answer is older than its question:
    whoever asks while one is under way waits for the next. A failure reaches all who waited for it.
    """

    def __init__(self, query: Callable[[set[Q]], Awaitable[A]]) -> None:
        self._query = query
        self._next: tuple[set[Q], asyncio.Future[A]] | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._running is None

    async def ask(self, question: Q) -> A:
        """The answer of the first query that starts from now on."""
        if self._next is None:
            self._next = (set(), asyncio.get_running_loop().create_future())
        questions, answer = self._next
        questions.add(question)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(answer)  # one who leaves does not take the others' answer away

    async def _run(self) -> None:
        try:
            while self._next is not None:
                (questions, answer), self._next = self._next, None
                await self._answer(questions, answer)
        finally:
            self._running = None

    async def _answer(self, questions: set[Q], answer: "asyncio.Future[A]") -> None:
        try:
            answer.set_result(await self._query(questions))
        except Exception as failure:  # noqa: BLE001  handed on to everyone who asked
            answer.set_exception(failure)
            answer.exception()  # marked as seen: it may be that nobody waits any more
