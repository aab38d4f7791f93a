"""Tasks that nobody waits for: each kept until it ends, and none that fails without a word in the log."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from realtime.outages import log_failure

AGAIN_SECONDS = 1.0


class Background:
    """Coroutines that run beside the rest; of the loop's own references none would keep them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, what: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Begin `work`; should it fail, the log says `what` did."""
        task = asyncio.create_task(_guarded(what, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def repeat(
    what: str, seconds: float, work: Callable[[], Awaitable[None]], *, at_once: bool = False
) -> None:
    """Do it again and again, `seconds` after it was done, the first time at once or after as long."""
    if not at_once:
        await asyncio.sleep(seconds)
    while True:
        await _guarded(what, work())
        await asyncio.sleep(seconds)


async def kept_running(what: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do what never ends; should it fail all the same, say so and begin it again."""
    await repeat(what, AGAIN_SECONDS, work, at_once=True)


async def _guarded(what: str, work: Awaitable[None]) -> None:
    try:
        await work
    except Exception as failure:  # noqa: BLE001  whatever it was: logged, and nobody else's business
        log_failure(what, failure)
