"""Writes at an even pace, whatever becomes of those before them."""

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import cycle
from time import perf_counter
from uuid import uuid4

from devmentor.loadtesting.arrivals import Arrivals, Expected
from devmentor.loadtesting.board import Board, Task
from devmentor.loadtesting.http import Answer, reason

PATIENCE_SECONDS = 15.0  # for one write, with all its attempts
PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0
# Answers after which the same request may be sent again: a limit, a database or a gateway that is away.
PASSING = {429, 502, 503, 504}
KEPT_FAILURES = 5


class Writer:
    """Changes tasks of a board, and tells `arrivals` when. A write has failed once its attempts have.

    An attempt that got no answer is repeated under its Idempotency-Key, and so is one event at the most.
    """

    def __init__(self, board: Board, arrivals: Arrivals, tokens: Sequence[str] = ()) -> None:
        """`tokens`: of those who write, in turn; none: as whoever the board's `http` speaks for."""
        self.answered = 0
        self.repeated = 0
        self.failed = 0
        self.failures: list[str] = []  # of the first ones, why
        self._board = board
        self._arrivals = arrivals
        self._tokens = cycle(tokens or (None,))
        self._under_way: set[asyncio.Task[None]] = set()

    async def write(self, count: int, rate: float, stop: asyncio.Event, seconds: float = math.inf) -> None:
        """`count` writes, `rate` a second, none once `seconds` are over or `stop` is set. All have ended when
        this returns, which is not before the time is over that they take at that rate.
        """
        began = perf_counter()
        for number in range(count):
            await _until(began + number / rate, stop)
            task = await self._next_task(stop)
            if task is None:
                break
            if perf_counter() - began >= seconds:
                self._board.tasks.put_nowait(task)
                break
            writing = asyncio.create_task(self._write(task))
            self._under_way.add(writing)
            writing.add_done_callback(self._under_way.discard)
        await _until(began + count / rate, stop)
        await asyncio.gather(*self._under_way)

    async def _next_task(self, stop: asyncio.Event) -> Task | None:
        """One that no write is under way to; None once it is to stop."""
        with suppress(asyncio.QueueEmpty):
            return None if stop.is_set() else self._board.tasks.get_nowait()
        waiting = asyncio.ensure_future(self._board.tasks.get())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({waiting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            waiting.cancel()
            return None
        return await waiting

    async def _write(self, task: Task) -> None:
        method, path, body = task.next_write()
        key = uuid4().hex
        expected = self._arrivals.expect(key)
        ask = partial(self._board.http.ask, method, path, body, key=key, token=next(self._tokens))
        failure = await self._insist(ask, expected)
        if failure is None:
            self.answered += 1
            expected.answered = True
            if not expected.left:
                self._arrivals.forget(key)
        else:
            self._arrivals.forget(key)
            self.failed += 1
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(f"{method} {path}: {failure}")
        self._board.tasks.put_nowait(task)

    async def _insist(self, ask: Callable[..., Awaitable[Answer]], expected: Expected) -> str | None:
        """Send it until there is an answer that settles it. Why it has failed; None where it has not."""
        deadline, pause = perf_counter() + PATIENCE_SECONDS, PAUSE_SECONDS
        while True:
            answer: Answer | None = None
            try:
                answer = await ask(sent=_stamp(expected))
            except OSError as lost:
                failure = reason(lost)
            else:
                if answer.status < 300:
                    return None
                failure = str(answer)
                if answer.status not in PASSING:
                    return failure
            wait = random.uniform(pause / 2, pause) if answer is None else _asked_for(answer, pause)  # noqa: S311
            if perf_counter() + wait > deadline:
                return failure
            self.repeated += 1
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)


def _stamp(expected: Expected) -> Callable[[], None]:
    """Latency counts from the first attempt: whoever waits for the change has waited since then."""

    def stamp() -> None:
        if expected.sent_at is None:
            expected.sent_at = perf_counter()

    return stamp


def _asked_for(answer: Answer, pause: float) -> float:
    """The seconds of Retry-After, else the pause."""
    with suppress(ValueError):
        return float(answer.headers.get("retry-after", ""))
    return pause


async def _until(moment: float, stop: asyncio.Event) -> None:
    """Wait until then, or until it is to stop."""
    left = moment - perf_counter()
    if left > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(left):
                await stop.wait()
