"""The wire protocol of the sockets: frames in, frames out, error and close codes. Pure.

A frame is one JSON object in one text message: `{"id": 7, "event": "ping", "data": {…}}`. `id` is the
client's own and optional; each frame that carries one is answered by exactly one `ack` or `error`.
"""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

import orjson

from realtime import bounded_json

SUBPROTOCOL = "devmentor.v1"
BEARER_PREFIX = "bearer."
MAX_FRAME_BYTES = 64 * 1024
MAX_STATE_BYTES = 1024
MAX_ID_LENGTH = 64
SAFE_INTEGER = 2**53 - 1  # beyond it a browser's JSON.parse would not give the id back as it was
MAX_SEQ = 2**63 - 1

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9-]{0,39}\Z")
# Of event names that services may not take, beside those of the domain: what we send, and what is to come.
RESERVED_NAMESPACES = frozenset(
    {"ack", "auth", "error", "gateway", "heartbeat", "hello", "inbox", "label", "ping", "presence", "status"}
    | {"stream", "system"}
)

FrameId = int | str | None


class ErrorCode(StrEnum):
    """What an `error` frame says in `data.code`."""

    BAD_FRAME = "bad-frame"
    UNKNOWN_EVENT = "unknown-event"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    NOT_JOINED = "not-joined"
    RATE_LIMITED = "rate-limited"
    TOO_LARGE = "too-large"
    HISTORY_TRIMMED = "history-trimmed"
    INTERNAL = "internal"


class CloseCode(IntEnum):
    """Why the server closes a socket. 4000 and up are ours, after the HTTP status they resemble."""

    GOING_AWAY = 1001  # the server stops for good
    TOO_BIG = 1009  # a frame over MAX_FRAME_BYTES
    RESTART = 1012  # come back: another gateway is there
    REALTIME_OFF = 4000  # an operator switched real-time off: poll
    BAD_FRAME = 4400  # a bad frame in strict mode
    UNAUTHENTICATED = 4401  # log in, or renew the token
    FORBIDDEN = 4403  # origin, address, strict mode, removed by an operator
    IDLE = 4408  # no frame for CONNECTION_TIMEOUT
    TOO_SLOW = 4413  # the send queue is full: resume with `since`
    RATE_LIMITED = 4429
    FULL = 4503  # MAX_CONNECTIONS reached


class FrameError(Exception):
    """A frame that is answered by an error; `frame_id` is None where the frame carried none that holds."""

    def __init__(self, code: ErrorCode, message: str, frame_id: FrameId = None, **extra: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.frame_id = frame_id
        self.extra = extra
        self.close_code: CloseCode | None = None

    def closing(self, code: CloseCode) -> "FrameError":
        """The same error, after which the socket is closed."""
        self.close_code = code
        return self


@dataclass(frozen=True, slots=True)
class Command:
    """A frame that a client sent, its shape checked, its meaning not yet."""

    id: FrameId
    event: str
    data: dict[str, Any]

    def text(self, key: str, most: int = 8192) -> str:
        """The string under `key`, else FrameError."""
        value = self.data.get(key)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise self.error(f"data.{key} must be a string of 1 to {most} characters")
        return value

    def seq(self, key: str) -> int | None:
        """The seq under `key`, None where it is missing or null, else FrameError."""
        value = self.data.get(key)
        if value is None:
            return None
        number = whole(value)
        if number is None or not 0 <= number <= MAX_SEQ:
            raise self.error(f"data.{key} must be a whole number from 0 on")
        return number

    def error(self, message: str, code: ErrorCode = ErrorCode.BAD_FRAME) -> FrameError:
        return FrameError(code, message, self.id)


def parse(text: str | None) -> Command:
    """Read one message; None stands for a binary one. Raises FrameError, and nothing else, on any input."""
    if text is None:
        raise FrameError(ErrorCode.BAD_FRAME, "frames are text messages, this one was binary")
    try:
        frame = orjson.loads(text)
    except ValueError as error:
        raise FrameError(ErrorCode.BAD_FRAME, f"not JSON: {error}") from None
    if not isinstance(frame, dict):
        raise FrameError(ErrorCode.BAD_FRAME, 'a frame is an object like {"id":1,"event":"ping","data":{}}')
    frame_id = _frame_id(frame.get("id"))
    check_bounds(frame, frame_id)
    event = frame.get("event")
    if not isinstance(event, str) or not 0 < len(event) <= 100:
        raise FrameError(ErrorCode.BAD_FRAME, "event must be a string of 1 to 100 characters", frame_id)
    data = frame.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise FrameError(ErrorCode.BAD_FRAME, "data must be an object", frame_id)
    return Command(frame_id, event, data)


def check_bounds(value: Any, frame_id: FrameId) -> None:
    """Refuse what is nested too deeply. Raises FrameError."""
    try:
        bounded_json.check(value)
    except ValueError as wrong:
        raise FrameError(ErrorCode.BAD_FRAME, str(wrong), frame_id) from None


def whole(value: object) -> int | None:
    """The integer that a JSON number stands for, as JSON Schema has it: 41, 41.0 and 4.1e1 are the same."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None


def is_event_name(name: str) -> bool:
    """Whether it has the grammar `namespace:verb`."""
    return _NAME.match(name) is not None


def ack(frame_id: FrameId, data: dict[str, Any]) -> str:
    return _dump({"id": frame_id, "event": "ack", "data": data})


def error(failure: FrameError) -> str:
    data = {"code": failure.code, "message": failure.message, **failure.extra}
    if failure.frame_id is None:
        return _dump({"event": "error", "data": data})
    return _dump({"id": failure.frame_id, "event": "error", "data": data})


def frame(event: str, data: dict[str, Any]) -> str:
    """A frame of the server's own, outside every log."""
    return _dump({"event": event, "data": data})


def size(value: Any) -> int:
    """Bytes of a value as JSON."""
    return len(orjson.dumps(value))


def _frame_id(value: Any) -> FrameId:
    if value is None:
        return None
    number = whole(value)
    if number is not None and abs(number) <= SAFE_INTEGER:
        return number
    if isinstance(value, str) and 0 < len(value) <= MAX_ID_LENGTH:
        return value
    raise FrameError(
        ErrorCode.BAD_FRAME,
        f"id must be a whole number up to {SAFE_INTEGER} or a string of 1 to {MAX_ID_LENGTH} characters",
    )


def _dump(value: dict[str, Any]) -> str:
    return orjson.dumps(value).decode()
