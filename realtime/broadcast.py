"""The bell: tells every process that something happened. The only importer of the channel layer.

What is published here is already safe in the log, so any of it may be lost, doubled or late. Publishing
therefore never fails a write and never holds one up: a serving process hands the message to its loop, and
any other process waits for the channel layer PUBLISH_SECONDS at the most.

Messages carry a fixed `type`, a version and a kind; a receiver ignores kinds that it does not know, so
that two versions can run side by side.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer

from realtime import metrics
from realtime.rooms import group_name

if TYPE_CHECKING:
    from realtime.eventlog import Event

logger = logging.getLogger(__name__)

MESSAGE_TYPE = "gateway.bell"
VERSION = 1
ORDERS_GROUP = "gateways"
PUBLISH_SECONDS = 0.5
BREAK_SECONDS = 1.0
OUTGOING_MESSAGES = 10_000
CANARY_SECONDS = 2.0
DEAF_SECONDS = 3 * CANARY_SECONDS

Message = dict[str, Any]


def publish(room_name: str, event: "Event") -> None:
    """Ring for one appended event. Called after its commit, from any thread; never raises."""
    _send(
        group_name(room_name),
        {
            "kind": "event",
            "room": room_name,
            "seq": event.seq,
            "event": event.event,
            "envelope": event.envelope,
            "at": event.at.timestamp(),
            "reauthorise": event.reauthorise,
        },
    )


def order(message: Message) -> None:
    """Ring for an order to every gateway."""
    _send(ORDERS_GROUP, {"kind": "order", **message})


def _send(group: str, message: Message) -> None:
    if _serving is not None and _serving.hand_over(group, message):
        return
    layer = get_channel_layer()
    if layer is None or isinstance(layer, InMemoryChannelLayer):
        return  # nobody outside this process would hear it: gateways find the row in the log
    try:
        async_to_sync(_bounded_send)(layer, group, _stamped(message))
    except Exception as failure:  # noqa: BLE001  a bell that fails must never fail the write that is done
        metrics.BELL_FAILURES.labels("publish").inc()
        logger.warning("bell not rung, gateways will find the event in the log: %r", failure)


def _stamped(message: Message) -> Message:
    return {"type": MESSAGE_TYPE, "v": VERSION, **message}


async def _bounded_send(layer: Any, group: str, message: Message) -> None:
    await asyncio.wait_for(layer.group_send(group, message), PUBLISH_SECONDS)


class Bell:
    """A serving process's end of the channel layer: one channel, subscribed to the groups of its rooms.

    Messages go to `heard` on the loop. This process's own messages are heard at once and not by way of
    the layer only, so that they do not wait for Redis; the copy that comes back is the receiver's to drop.

    A canary that the process sends to itself through the real layer tells whether it can hear at all.
    """

    def __init__(self, heard: Callable[[Message], None]) -> None:
        self._heard = heard
        self._layer: Any = get_channel_layer()
        self._loop = asyncio.get_running_loop()
        self._outgoing: deque[tuple[str, Message]] = deque(maxlen=OUTGOING_MESSAGES)
        self._pending = asyncio.Event()
        self._channel: str | None = None
        self._canary_group = f"canary.{uuid4().hex}"
        self._canary_heard_at = time.monotonic()
        self._wanted: set[str] = {ORDERS_GROUP, self._canary_group}
        self._subscribed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._broken = False

    @property
    def distributed(self) -> bool:
        """Whether other processes can hear."""
        return not isinstance(self._layer, InMemoryChannelLayer)

    @property
    def healthy(self) -> bool:
        """Whether what is published is heard; delivery goes on by the log while it is not."""
        if not self.distributed:
            return True
        deaf = time.monotonic() - self._canary_heard_at > DEAF_SECONDS
        return self._channel is not None and not self._broken and not deaf

    def start(self) -> None:
        global _serving
        _serving = self
        work = [self._listen(), self._publish_all()]
        if self.distributed:
            work.append(self._send_canaries())
        self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        global _serving
        if _serving is self:
            _serving = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hand_over(self, group: str, message: Message) -> bool:
        """Take a message from any thread; False when this loop no longer runs."""
        try:
            self._loop.call_soon_threadsafe(self.ring, group, message)
        except RuntimeError:
            return False
        return True

    def ring(self, group: str, message: Message) -> None:
        """Let this process hear the message now and the others soon. On the loop only."""
        self._heard(message)
        if self.distributed:
            self._outgoing.append((group, _stamped(message)))
            self._pending.set()

    async def subscribe(self, group: str) -> None:
        """Hear a group from now on. Where the layer does not answer, `mend` tries again."""
        self._wanted.add(group)
        await self._bounded("subscribe", self._subscribe(group))

    async def unsubscribe(self, group: str) -> None:
        self._wanted.discard(group)
        if group in self._subscribed and self._channel is not None:
            self._subscribed.discard(group)
            await self._bounded("unsubscribe", self._layer.group_discard(group, self._channel))

    async def mend(self) -> None:
        """Subscribe to what is wanted and is not subscribed: once a second."""
        for group in sorted(self._wanted - self._subscribed):
            if not await self._bounded("subscribe", self._subscribe(group)):
                return

    async def _subscribe(self, group: str) -> None:
        if self._channel is not None and group in self._wanted:
            await self._layer.group_add(group, self._channel)
            self._subscribed.add(group)

    async def _bounded(self, operation: str, work: Any) -> bool:
        try:
            await asyncio.wait_for(work, PUBLISH_SECONDS)
        except Exception as failure:  # noqa: BLE001  each layer has errors of its own; all mean: not rung
            self._fail(operation, failure)
            return False
        if self._broken:
            self._broken = False
            logger.warning("the channel layer is back")
        return True

    def _fail(self, operation: str, failure: Exception) -> None:
        """Count each failure, but log the change only: an outage is one line and not one a second."""
        metrics.BELL_FAILURES.labels(operation).inc()
        if not self._broken:
            self._broken = True
            logger.warning("the channel layer is gone (%s): %r; events go on by the log", operation, failure)

    async def _listen(self) -> None:
        while True:
            try:
                self._channel = await self._layer.new_channel()
                await self.mend()
                while True:
                    self._receive(await self._layer.receive(self._channel))
            except Exception as failure:  # noqa: BLE001  as above: listen again
                self._fail("receive", failure)
                self._channel = None
                self._subscribed.clear()
                await asyncio.sleep(BREAK_SECONDS)

    def _receive(self, message: Message) -> None:
        if message.get("kind") == "canary":
            self._canary_heard_at = time.monotonic()
        elif message.get("type") == MESSAGE_TYPE:
            with suppress(KeyError, TypeError, ValueError):  # of another version: the log has the event
                self._heard(message)

    async def _send_canaries(self) -> None:
        message = {"type": MESSAGE_TYPE, "v": VERSION, "kind": "canary"}
        while True:
            self._outgoing.append((self._canary_group, message))
            self._pending.set()
            await asyncio.sleep(CANARY_SECONDS)

    async def _publish_all(self) -> None:
        while True:
            await self._pending.wait()
            self._pending.clear()
            while self._outgoing:
                group, message = self._outgoing.popleft()
                if not await self._bounded("publish", self._layer.group_send(group, message)):
                    # A layer that hangs would let messages pile up: drop them, the log heals every one.
                    self._outgoing.clear()
                    await asyncio.sleep(BREAK_SECONDS)


_serving: Bell | None = None
