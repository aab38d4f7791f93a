"""Many questions, one query: what is asked while a query is under way goes into the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Generic, TypeVar

from realtime.outages import is_away

Q = TypeVar("Q")
A = TypeVar("A")


class Batch(Generic[Q, A]):
    """Asks for all who wait at once. `query` takes the questions and gives one answer for them together.

    A query starts after each of its questions was asked, so that no answer is older than its question:
    whoever asks while one is under way waits for the next. An outage reaches all who waited, and so does a
    fault that stays; a question that cannot be answered fails for those alone who have asked it.
    """

    def __init__(self, query: Callable[[set[Q]], Awaitable[A]]) -> None:
        self._query = query
        self._next: dict[Q, asyncio.Future[A]] = {}
        self._running: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        return self._running is None

    async def ask(self, question: Q) -> A:
        """The answer of the first query that starts from now on."""
        answer = self._next.get(question)
        if answer is None:
            answer = self._next[question] = asyncio.get_running_loop().create_future()
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(answer)  # one who leaves does not take the others' answer away

    async def _run(self) -> None:
        try:
            while self._next:
                asked, self._next = self._next, {}
                await self._answer(asked)
        finally:
            self._running = None

    async def _answer(self, asked: "dict[Q, asyncio.Future[A]]", *, split: bool = True) -> bool:
        """Answer them; whether any got an answer.

        Halves of halves find a question that fails alone. A half in which all have failed, beside one that
        fails too, is no matter of a question: a fault that stays would cost two queries for each of them.
        """
        try:
            found = await self._query(set(asked))
        except Exception as failure:  # noqa: BLE001  handed on to those who asked
            if split and len(asked) > 1 and not is_away(failure):
                left = iter(asked.items())
                some = await self._answer(dict(islice(left, len(asked) // 2)))
                return await self._answer(dict(left), split=some) or some
            for answer in asked.values():
                answer.set_exception(failure)
                answer.exception()  # marked as seen: it may be that nobody waits any more
            return False
        for answer in asked.values():
            answer.set_result(found)
        return True
