"""Ctrl-C and SIGTERM: whatever was begun is brought to an end, and what was made is removed."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop(asyncio.Event):
    """Set when the run is to end early. While it is not `gentle`, the run is broken off instead."""

    gentle = False


class Interruptions:
    """A context in which these signals raise KeyboardInterrupt, or, in `run`, stop what runs there."""

    def __init__(self) -> None:
        self._ask: Callable[[], object] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interruptions":
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._interrupt) for each in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def run(self, work: Callable[[Stop], Coroutine[Any, Any, T]]) -> T:
        """On a loop of its own. Raises KeyboardInterrupt where it was broken off."""

        async def main() -> T:
            loop, task, stop = asyncio.get_running_loop(), asyncio.current_task(), Stop()

            def ask() -> None:
                if stop.gentle and not stop.is_set():
                    stop.set()
                elif task is not None:
                    task.cancel()

            self._ask = lambda: loop.call_soon_threadsafe(ask)
            return await work(stop)

        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(main())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None
        finally:
            self._ask = None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._ask is None:
            raise KeyboardInterrupt
        self._ask()
