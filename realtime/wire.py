"""Ready WebSocket frames: how our server takes bytes past ASGI's one message at a time. Pure.

What a server sends is not masked (RFC 6455, section 5.1), so the frame of an event is the same for every
member of its room: it is made once, and those of one turn of the loop leave as one write for each member.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The key under `scope["extensions"]` where a server that takes ready frames offers a Wire.
EXTENSION = "devmentor.wire"

# The one of an HTTP request's scope where the application may put what our server calls when the client takes
# no answer any more, or has not taken all of the last one.
ANSWER_LOST = "devmentor.answer-lost"
# The one where our server says that this has happened, to an application that asks later.
CLIENT_LEFT = "devmentor.client-left"
# The one under which our server offers what the application calls once it has given a request a place itself.
COUNTED_ELSEWHERE = "devmentor.counted-elsewhere"

# An item of ASGI's `websocket.disconnect`: our server has closed, with its code and reason, on a client that
# has broken the protocol.
BROKEN = "devmentor.broken"

_FINAL_TEXT = 0x81
PING = b"\x89\x00"  # asks for a pong; a frame of its own kind, without a payload


def _nothing(*_: object) -> None:
    pass


@dataclass(eq=False, slots=True)
class Wire:
    """One socket of a server that takes ready frames, offered beside ASGI's `receive` and `send`.

    write: hands whole frames to the transport, at once; what it cannot send yet it keeps, without bound, so
        nobody writes while `clear` is false
    close: sends the close frame, with a code and a reason; only while `clear`
    abort: drops the connection without a word
    clear: whether it takes frames: the transport's buffer is below its mark, no close frame has been sent
    changed: set by the application; called when `clear` has changed
    heard: set by the application; called when a ping or a pong came
    """

    write: Callable[[bytes], None]
    close: Callable[[int, str], None]
    abort: Callable[[], None]
    clear: bool = True
    changed: Callable[[], None] = _nothing
    heard: Callable[[], None] = _nothing

    def set_clear(self, clear: bool) -> None:
        if clear is not self.clear:
            self.clear = clear
            self.changed()

    def let_go(self) -> None:
        """Tell the application nothing any more."""
        self.changed = self.heard = _nothing

    def end(self) -> None:
        """The connection is lost: hand nothing to the server any more."""
        self.set_clear(False)
        self.write = self.close = self.abort = _nothing


def counted_elsewhere(scope: dict[str, Any]) -> Callable[[], None]:
    """What is to be called of a request that has got a place of the application's own."""
    found: Callable[[], None] = (scope.get("extensions") or {}).get(COUNTED_ELSEWHERE, _nothing)
    return found


def ending(message: dict[str, Any]) -> tuple[int, str]:
    """The code of a `websocket.disconnect`, and why the server has closed: empty where it was the client."""
    code = int(message.get("code") or 1005)
    return code, str(message.get("reason") or "the protocol was broken") if BROKEN in message else ""


def frame(text: str) -> bytes:
    """The frame of one text message, as a server sends it."""
    payload = text.encode()
    length = len(payload)
    if length < 126:
        return bytes((_FINAL_TEXT, length)) + payload
    if length < 65_536:
        return bytes((_FINAL_TEXT, 126)) + length.to_bytes(2, "big") + payload
    return bytes((_FINAL_TEXT, 127)) + length.to_bytes(8, "big") + payload


def payload_bytes(ready: bytes) -> int:
    """Of one ready frame, without its header."""
    length = len(ready)
    if length < 126 + 2:
        return length - 2
    return length - 4 if length < 65_536 + 4 else length - 10
