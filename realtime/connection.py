"""One socket's state: who, which rooms, what waits to be sent. Pure: no I/O, no clock.

Times are seconds of a monotonic clock, handed in.
"""

import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

from realtime.protocol import CloseCode
from realtime.rooms import Room, UserId
from realtime.wire import PING, payload_bytes

logger = logging.getLogger(__name__)

QUEUE_FRAMES = 1000
QUEUE_BYTES = 1024 * 1024
EVENT_SHARE = 0.75  # events fill a queue no further: the rest is for answers and heartbeats
LONG_POLL = "long-poll"  # the transport of a client that is held until there are events, again and again
REFILL_SHARE = 0.5  # whoever waits to put events into a queue goes on once this much of it is taken


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody has proven to be, and until when (epoch seconds; None: as long as the session).

    `auth` is the digest of what they logged in with: a new password ends what the old one opened.
    `previous` says that it was shown by a token of the secret that is being rotated out. `session` is the key
    of the session by whose cookie it was shown: a secret, which stays out of logs.
    `family` is that of its token.
    """

    id: str
    name: str
    username: str
    expires_at: float | None = None
    auth: str = ""
    previous: bool = False
    session: str = field(default="", repr=False)
    family: str = ""

    def has_expired(self, now: float) -> bool:
        """Whether the token has run out; `now` in epoch seconds."""
        return self.expires_at is not None and self.expires_at <= now

    def wire(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "username": self.username}


class SeatState(Enum):
    """How a member of a room hears of events."""

    REPLAYING = "behind the room's head: fed from its history by a task of its own, as the queue has room"
    LIVE = "at the room's head: fed by the fan-out"
    LEFT = "no longer a member: a replay under way stops here"


@dataclass(eq=False, slots=True)
class Seat:
    """One socket's membership in one room. `cursor` is the seq of the last event put in its queue."""

    connection: "Connection"
    room: Room
    cursor: int = 0
    state: SeatState = SeatState.REPLAYING
    joined: bool = False  # its join has been answered; before it hears nothing
    in_doubt: bool = False  # it hears nothing until it is known whether its user may read the room


@dataclass(frozen=True, slots=True)
class Close:
    code: int
    reason: str


NO_FRAMES: deque[str] = deque(maxlen=0)


class Outbox:
    """The frames that wait for one socket, bounded in number and bytes."""

    __slots__ = ("_bytes", "_frames", "_waiting", "max_bytes", "max_frames", "taken", "taken_bytes")

    def __init__(self, max_frames: int = QUEUE_FRAMES, max_bytes: int = QUEUE_BYTES) -> None:
        self._frames = NO_FRAMES  # a deque of its own while there are any: an empty one is not small
        self._bytes = 0
        self._waiting: list[Callable[[], None]] = []
        self.taken = 0
        self.taken_bytes = 0
        self.max_frames = max_frames
        self.max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def full(self) -> bool:
        return len(self._frames) >= self.max_frames or self._bytes >= self.max_bytes

    @property
    def takes_events(self) -> bool:
        """Whether an event may be queued, of any size: one that exceeds the bounds must get through, too."""
        return self.below(EVENT_SHARE)

    def below(self, share: float) -> bool:
        """Whether less than that share of both bounds is taken."""
        return len(self._frames) < self.max_frames * share and self._bytes < self.max_bytes * share

    def put(self, frame: str) -> bool:
        """Queue a frame; False, and nothing is queued, when there is no room."""
        if self.full:
            return False
        if not self._frames:
            self._frames = deque()
        self._frames.append(frame)
        self._bytes += size(frame)
        return True

    def take(self) -> str | None:
        """The next frame to send, None when there is none."""
        if not self._frames:
            return None
        self.taken += 1
        frame = self._frames.popleft()
        if not self._frames:
            self._frames = NO_FRAMES
        payload = size(frame)
        self._bytes -= payload
        self.taken_bytes += payload
        self._announce_room()
        return frame

    def take_some(self, characters: int) -> list[str]:
        """The next frames to send: as many as come to that size, one at least where there is any."""
        frames: list[str] = []
        while characters > 0 and (frame := self.take()) is not None:
            frames.append(frame)
            characters -= len(frame)
        return frames

    def pass_by(self, frames: int, payload: int) -> None:
        """Count frames that were sent past this queue, which was empty; `payload` in bytes."""
        self.taken += frames
        self.taken_bytes += payload

    def clear(self) -> None:
        self._frames = NO_FRAMES
        self._bytes = 0
        self._announce_room()

    def when_roomy(self, tell: Callable[[], None]) -> None:
        """Call `tell` once, as soon as there is room for events again: at once where there is."""
        self._waiting.append(tell)
        self._announce_room()

    def _announce_room(self) -> None:
        if self._waiting and self.below(REFILL_SHARE):
            waiting, self._waiting = self._waiting, []
            for tell in waiting:
                tell()


def connection_id() -> str:
    """A new one, unique and no secret: each from the system's own source would cost a handshake two calls."""
    return str(UUID(int=random.getrandbits(128), version=4))


def size(frame: str | bytes) -> int:
    """Of a frame's payload, in bytes."""
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode())


@dataclass(eq=False, slots=True)
class Connection:
    """A socket as the hub, presence and the operators see it. `wake` tells its writer to look here.

    `stream` sends ready frames past the queue; it is None while anything waits there, and while the socket
    takes no more. `has_origin` is whether an Origin was sent, `bearer` whether a token was. `ends_at` is when
    it is closed for its age; `idle_timed` says whether it is closed for its silence. `asked_at` is when it
    was first asked for a sign of life since `last_frame_at`, where it is the later of the two. `gone` says
    that its client has left, so that a join which is still under way must take no seat.
    """

    id: str
    address: str
    agent: str
    opened_at: float
    wake: Callable[[], None]
    identity: Identity | None = None
    bearer: bool = False
    has_origin: bool = False
    transport: str = "websocket"
    ends_at: float = float("inf")
    idle_timed: bool = True
    last_frame_at: float = 0.0
    asked_at: float = float("-inf")
    heartbeat_at: float = 0.0
    frames_in: int = 0
    bytes_in: int = 0
    seats: dict[str, Seat] = field(default_factory=dict)
    outbox: Outbox = field(default_factory=Outbox)
    closing: Close | None = None
    stream: Callable[[bytes], None] | None = None
    gone: bool = False

    @property
    def user_id(self) -> UserId:
        return self.identity.id if self.identity else None

    @property
    def credential(self) -> str:
        """What it lives on: "guest", "token", "previous" (a token of the previous secret) or "session"."""
        if self.identity is None:
            return "guest"
        if not self.bearer:
            return "session"
        return "previous" if self.identity.previous else "token"

    @property
    def frames_out(self) -> int:
        return self.outbox.taken

    @property
    def bytes_out(self) -> int:
        """Of the frames' payloads, as those that came in."""
        return self.outbox.taken_bytes

    def send(self, frame: str) -> bool:
        """Queue a frame. A reader too slow for its queue is cut off."""
        if self.closing is not None:
            return False
        if not self.outbox.put(frame):
            self.cut_off()
            return False
        self.stream = None
        self._tell_writer()
        return True

    def send_shared(self, frame: str, ready: bytes) -> None:
        """The same for a frame that many get; `ready` is what a wire takes for it."""
        if self.stream is not None:
            self.stream_out(ready, 1, payload_bytes(ready))
        else:
            self.send(frame)

    def stream_out(self, ready: bytes, frames: int, payload: int) -> None:
        """Send ready frames past the queue, while `stream` is there; `payload` in bytes."""
        assert self.stream is not None
        try:
            self.stream(ready)
        except Exception as failure:  # noqa: BLE001  whatever it was
            self._break_off(failure)
        else:
            self.outbox.pass_by(frames, payload)

    def ask(self, now: float) -> None:
        """Ask the client for a sign of life: by a ping, where the socket takes ready frames just now."""
        if self.asked_at < self.last_frame_at:
            self.asked_at = now
        if self.stream is not None:
            self.stream_out(PING, 0, 0)

    def cut_off(self) -> None:
        """Close on a reader that is too slow. What it has not read it finds in the log when it comes back."""
        if self.closing is None:
            self.outbox.clear()
            self.close(CloseCode.TOO_SLOW, "you read too slowly: resume with since")

    def send_volatile(self, frame: str, ready: bytes) -> bool:
        """The same for a frame that may be dropped, and is, when the queue is a quarter full: then False."""
        taken = self.closing is None and self.outbox.below(0.25)
        if taken:
            self.send_shared(frame, ready)
        return taken

    def close(self, code: int, reason: str) -> None:
        """Close once what is queued has been sent. The first reason given stays."""
        if self.closing is None:
            self.closing = Close(code, reason)
            self.stream = None
            self._tell_writer()

    def _tell_writer(self) -> None:
        try:
            self.wake()
        except Exception as failure:  # noqa: BLE001  whatever it was
            self._break_off(failure)

    def _break_off(self, failure: Exception) -> None:
        """Close, since the socket cannot be written to. Whoever told many is to go on with the next."""
        logger.error("connection %s cannot be written to", self.id, exc_info=failure)
        self.stream = None
        self.outbox.clear()
        if self.closing is None:
            self.closing = Close(CloseCode.RESTART, "nothing could be sent to you: come back")
        with suppress(Exception):  # so that its consumer, too, knows that this is the end
            self.wake()


class FrameRate:
    """Counts a socket's frames in windows of fixed length; `window` and `now` in seconds."""

    __slots__ = ("_count", "_opened")

    def __init__(self) -> None:
        self._opened = float("-inf")
        self._count = 0

    def hit(self, now: float, window: float, most: int) -> "RateVerdict":
        if now - self._opened >= window:
            self._opened, self._count = now, 0
        self._count += 1
        if self._count <= most:
            return RateVerdict(allowed=True)
        left = max(0.0, self._opened + window - now)
        return RateVerdict(False, retry_after_ms=int(left * 1000) + 1, flooding=self._count >= 2 * most)


@dataclass(frozen=True, slots=True)
class RateVerdict:
    allowed: bool
    retry_after_ms: int = 0
    flooding: bool = False
