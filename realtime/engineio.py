"""One Engine.IO session: its transport, its heartbeat, and what comes and goes between both ends in order.

A packet that was handed to a request that is gone is lost, and nothing in the protocol tells either side.
So a session whose poll breaks off ends: its client opens another one and asks for what it missed.
"""

import asyncio
import logging
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from realtime.connection import Close
from realtime.protocol import MAX_FRAME_BYTES, CloseCode
from realtime.socketio_packets import EnginePacket, EngineType, Message, PacketError, open_packet

logger = logging.getLogger(__name__)

ANSWER_CHARACTERS = 2**18  # of messages that leave at once: in one answer to a poll, or for a WebSocket
MAX_DUE_PACKETS = 100  # beside messages, each asked for by the client: one that takes none of them is closed
WAITING_MESSAGES = 64  # of one client, not carried out yet: with more its requests wait
MAX_WAITING_MESSAGES = 1000  # and with more yet are refused: it sends without waiting for any answer
MAX_WAITING_CHARACTERS = 4 * MAX_FRAME_BYTES
UPGRADING_POLL_SECONDS = 0.1  # that a poll waits beside a WebSocket which is tried, as with Engine.IO's own
CLOSE_SECONDS = 5.0  # how long a client has to take what is queued before its session ends


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """In seconds: how often a client is asked for a sign of life, and how long it has to give it."""

    interval: float = 25.0
    timeout: float = 20.0


class Transport(Enum):
    """How a session is carried now."""

    POLLING = "each answer to a GET brings packets, each POST takes some"
    UPGRADING = "still by polling, beside a WebSocket that is tried: polls hardly wait"
    WEBSOCKET = "each message is a packet"


class Conversation(Protocol):
    """What a session carries. `closing` is set once it is to end behind what is queued."""

    @property
    def closing(self) -> Close | None: ...

    def take(self, characters: int) -> list[str]:
        """The next packets for the client, of about so many characters; none where nothing waits."""

    def read(self, message: Message) -> Any:
        """What a message of the client says, None for a part of one. Raises PacketError."""

    async def handle(self, packet: Any) -> None:
        """Carry out what `read` gave: one after the other, in the order in which they came."""

    def heard(self) -> None:
        """The client has given a sign of life."""

    def ended(self, close: Close) -> None:
        """The session is over."""


class EngineSession:
    """One client. `forget` is called once it has ended, for whatever reason."""

    def __init__(
        self,
        begin: Callable[["EngineSession"], Conversation],
        transport: Transport,
        heartbeat: Heartbeat,
        forget: Callable[["EngineSession"], None],
    ) -> None:
        self.sid = secrets.token_urlsafe(16)
        self.transport = transport
        self.over: Close | None = None
        self.on_end: Callable[[], None] | None = None  # set by a WebSocket, whose reader it ends
        self.answers = 0  # that have been asked for, by polls
        self.is_polled = False
        self._heartbeat = heartbeat
        self._forget = forget
        self._due: deque[str] = deque()  # packets that go before the messages of the conversation
        self._sender: asyncio.Future[None] | None = None  # a poll or a WebSocket that waits for packets
        self._received: deque[tuple[Any, int]] = deque()  # and of how many characters
        self._received_characters = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._worker: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._timer = asyncio.get_running_loop().call_later(heartbeat.interval, self._ping)
        self._conversation = begin(self)

    # --- out ----------------------------------------------------------------------------------

    def greet(self) -> str:
        """The OPEN packet."""
        upgrades = ["websocket"] if self.transport is Transport.POLLING else []
        beat = self._heartbeat
        return open_packet(self.sid, upgrades, beat.interval, beat.timeout, MAX_FRAME_BYTES)

    def send(self, packet: str) -> None:
        """Queue a packet before all messages of the conversation. The session may end by it."""
        if len(self._due) >= MAX_DUE_PACKETS:
            self.end(CloseCode.TOO_SLOW, "you take no answers")
            return
        self._due.append(packet)
        self.wake()

    def wake(self) -> None:
        """There is something to send, or the conversation is to end."""
        if self.over is not None:
            return
        closing = self._conversation.closing
        if closing is not None and self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(CLOSE_SECONDS, self.end, closing.code, closing.reason)
        if self._sender is not None and not self._sender.done():
            self._sender.set_result(None)

    async def packets(self) -> list[str]:
        """The next packets, once there are any. None when the session is over, or moves to a WebSocket."""
        asked_by = self.transport
        until = None
        if asked_by is Transport.UPGRADING:
            until = asyncio.get_running_loop().time() + UPGRADING_POLL_SECONDS
        while self.over is None and self.transport is asked_by:
            if taken := self._take():
                return taken
            if not await self._woken(until):
                break
        return []

    async def _woken(self, until: float | None) -> bool:
        """Wait until there is something to send, or the session is over; False where the time was over."""
        if self.over is None:
            loop = asyncio.get_running_loop()
            self._sender = sender = loop.create_future()
            left = None if until is None else max(0.0, until - loop.time())
            await asyncio.wait({sender}, timeout=left)
            return sender.done()
        return True

    def _take(self) -> list[str]:
        """What is queued. Where the conversation is to end it is all that was left, and the session ends."""
        closing = self._conversation.closing
        taken = [*self._due]
        self._due.clear()
        while messages := self._conversation.take(ANSWER_CHARACTERS):
            taken += messages
            if closing is None:
                break
        if closing is not None:
            self.end(closing.code, closing.reason)
        return taken

    # --- in -----------------------------------------------------------------------------------

    async def receive(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets that came together; waits while too much of the client's is not carried out yet.

        Raises PacketError, after which the session cannot go on.
        """
        if self.over is not None:
            raise PacketError("this session has ended: open another one")
        received = [(self._read(kind, data), len(data)) for kind, data in packets]
        self._conversation.heard()
        self._queue([(message, size) for message, size in received if message is not None])
        for kind, _ in packets:
            if kind is EngineType.PONG:
                self._set_timer(self._heartbeat.interval, self._ping)
            elif kind is EngineType.CLOSE:
                self.end(1000)
        await self._has_room.wait()

    def _queue(self, messages: list[tuple[Any, int]]) -> None:
        self._received.extend(messages)
        self._received_characters += sum(size for _, size in messages)
        if len(self._received) > MAX_WAITING_MESSAGES or self._received_characters > MAX_WAITING_CHARACTERS:
            raise PacketError("too many messages at once: wait for the answers to those before")
        if len(self._received) > WAITING_MESSAGES:
            self._has_room.clear()
        if self._received and self._worker is None:
            self._worker = asyncio.create_task(self._work())

    def _read(self, kind: EngineType, data: Message) -> Any:
        if kind is EngineType.MESSAGE:
            return self._conversation.read(data)
        if kind in (EngineType.OPEN, EngineType.PING, EngineType.UPGRADE):
            raise PacketError(f"a client does not send {kind.name} here")
        return None

    async def _work(self) -> None:
        """Carry out what was received, in order. A session without any has no task."""
        while self._received and self.over is None:
            message, size = self._received.popleft()
            self._received_characters -= size
            if len(self._received) <= WAITING_MESSAGES:
                self._has_room.set()
            try:
                await self._conversation.handle(message)
            except Exception:
                logger.exception("a Socket.IO packet could not be carried out")
        self._worker = None

    # --- life and end -------------------------------------------------------------------------

    def end(self, code: int, reason: str = "") -> None:
        """The session is over; a second time it does nothing."""
        if self.over is not None:
            return
        self.over = Close(code, reason)
        self._timer.cancel()
        if self._deadline is not None:
            self._deadline.cancel()
        self._received.clear()
        self._has_room.set()
        self._forget(self)
        self._conversation.ended(self.over)
        if self._sender is not None and not self._sender.done():
            self._sender.set_result(None)
        if self.on_end is not None:
            self.on_end()
        self.on_end = None
        del self._conversation  # the two hold each other, and the collector comes seldom

    def set_transport(self, transport: Transport) -> None:
        self.transport = transport
        self.wake()

    def _ping(self) -> None:
        self._set_timer(self._heartbeat.timeout, self._give_up)
        self.send(EngineType.PING)

    def _give_up(self) -> None:
        self.end(CloseCode.IDLE, "no answer to a ping")

    def _set_timer(self, seconds: float, act: Callable[[], None]) -> None:
        self._timer.cancel()
        if self.over is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, act)
