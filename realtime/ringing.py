"""Messages on their way to the channel layer: in order, none too late, and none while the layer is away."""

import asyncio
import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from realtime import metrics
from realtime.layer_failures import reason

logger = logging.getLogger(__name__)

Message = dict[str, Any]

NOT_REACHED = "channel layer at %s not reached (publish): %s; gateways find it in the log within a second"
PUBLISH_SECONDS = 0.5
BREAK_SECONDS = 1.0
LONGEST_BREAK_SECONDS = 4.0
OUTGOING_MESSAGES = 10_000
OUTGOING_CHARACTERS = 16_000_000
STALE_SECONDS = (
    1.5  # by then every gateway, which compares its heads once a second, has an event from the log
)
CLOSE_SECONDS = 2.0  # what a process that ends waits for its last messages to leave


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that waits: its size in characters, and when it was rung."""

    group: str
    message: Message
    size: int
    rung_at: float


class Ringer:
    """Hands messages to `send`, which says whether the layer took one, in the order of `ring`.

    One at a time: the layer has one connection a server and a lock on it, so that several would only wait
    there, where each has PUBLISH_SECONDS. A layer that does not answer would let messages pile up, so they
    are dropped (the log heals every one) and nothing is tried for a while, which doubles up to
    `longest_break` seconds. A slow one is not sent events that are too late to be of use. `clock` gives
    seconds.
    """

    def __init__(
        self,
        send: Callable[[str, Message], Awaitable[bool]],
        longest_break: float = BREAK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._longest_break = longest_break
        self._clock = clock
        self._first: deque[tuple[str, Message]] = deque()
        self._outgoing: deque[Outgoing] = deque()
        self._size = 0
        self._pending = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def ring(self, group: str, message: Message) -> None:
        """On the loop only; never waits. Where too many wait already, the oldest are dropped."""
        size = sum(len(str(value)) for value in message.values())
        self._outgoing.append(Outgoing(group, message, size, self._clock()))
        self._size += size
        while len(self._outgoing) > OUTGOING_MESSAGES or self._size > OUTGOING_CHARACTERS:
            self._take()
            metrics.BELL_DROPPED.labels("full").inc()
        self._announce()

    def ring_first(self, group: str, message: Message) -> None:
        """Past all that waits: for the few messages that tell whether the layer is heard at all."""
        self._first.append((group, message))
        self._announce()

    def _announce(self) -> None:
        self._pending.set()
        self._empty.clear()

    async def emptied(self) -> None:
        """Wait until nothing is on its way any more."""
        await self._empty.wait()

    async def run(self) -> None:
        pause = BREAK_SECONDS
        while True:
            await self._pending.wait()
            if await self._send_all():
                pause = BREAK_SECONDS
            else:
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._longest_break)

    async def _send_all(self) -> bool:
        sent = True
        while sent and (message := self._next()) is not None:
            sent = await self._send(*message)
        if self._outgoing:
            metrics.BELL_DROPPED.labels("away").inc(len(self._outgoing))
        self._first.clear()
        self._outgoing.clear()
        self._size = 0
        self._pending.clear()
        self._empty.set()
        return sent

    def _next(self) -> tuple[str, Message] | None:
        if self._first:
            return self._first.popleft()
        while self._outgoing:
            found = self._take()
            late = self._clock() - found.rung_at > STALE_SECONDS
            if not late or found.message.get("kind") != "event":
                return found.group, found.message
            metrics.BELL_DROPPED.labels("stale").inc()
        return None

    def _take(self) -> Outgoing:
        found = self._outgoing.popleft()
        self._size -= found.size
        return found


class ThreadRinger:
    """For a process that serves nothing (a command, a shell, cron): one thread, one loop, one connection.

    server_of: names the server that a group is on, for the log

    `ring` is for any thread and costs its caller no wait. What has not left when the process ends is waited
    for CLOSE_SECONDS at the most.
    """

    def __init__(self, layer: Any, server_of: Callable[[str], str] = lambda _: "Redis") -> None:
        self._layer = layer
        self._server_of = server_of
        self._process = os.getpid()
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._ringer: Ringer
        self._stopping: asyncio.Event
        self._thread = threading.Thread(target=self._run, name="bell", daemon=True)
        self._thread.start()
        self._started.wait()
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether it still runs: no thread comes along into a process that was forked."""
        return self._process == os.getpid() and self._thread.is_alive()

    def ring(self, group: str, message: Message) -> None:
        self._loop.call_soon_threadsafe(self._ringer.ring, group, message)

    def close(self) -> None:
        """Let what is on its way leave, then end the thread and its connection."""
        atexit.unregister(self.close)
        if not self.alive:
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(self._ringer.emptied(), self._loop).result(CLOSE_SECONDS)
        with suppress(RuntimeError):  # its loop has ended by itself
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ringer = Ringer(self._send, LONGEST_BREAK_SECONDS)
        self._stopping = asyncio.Event()
        running = asyncio.create_task(self._ringer.run())
        self._started.set()
        await self._stopping.wait()
        running.cancel()

    async def _send(self, group: str, message: Message) -> bool:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await self._layer.group_send(group, message)
        except Exception as failure:  # noqa: BLE001  each layer has errors of its own; all mean: not rung
            metrics.BELL_FAILURES.labels("publish").inc()
            logger.warning(NOT_REACHED, self._server_of(group), reason(failure))
            return False
        return True
