"""Waiting for what happens in the test's own loop."""

import asyncio
import time
from collections.abc import Callable

PATIENCE_SECONDS = 10.0


async def until(condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> float:
    """Give the loop its turns until the condition holds.

    Returns: the seconds it took. Fails the test where it has not come true in `seconds`.
    """
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"waited {seconds:g} s in vain"
        await asyncio.sleep(0.001)
    return time.monotonic() - begun
