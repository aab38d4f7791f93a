"""The packets of Engine.IO 4 and of Socket.IO 5, which it carries: text in, text out. Pure.

https://github.com/socketio/engine.io-protocol and https://github.com/socketio/socket.io-protocol
"""

import base64
import binascii
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from realtime.protocol import SAFE_INTEGER, CloseCode, Command, ErrorCode, FrameError, check_bounds

SEPARATOR = "\x1e"  # between the packets of one payload of the polling transport
MAX_PACKETS = 1000  # of one payload, whose bytes would hold thirty times as many empty ones
MAX_ATTACHMENTS = 10

Message = str | bytes  # what a MESSAGE packet of Engine.IO holds


class EngineType(StrEnum):
    """The first character of an Engine.IO packet."""

    OPEN = "0"
    CLOSE = "1"
    PING = "2"
    PONG = "3"
    MESSAGE = "4"
    UPGRADE = "5"
    NOOP = "6"


class SocketType(StrEnum):
    """The first character of a Socket.IO packet."""

    CONNECT = "0"
    DISCONNECT = "1"
    EVENT = "2"
    ACK = "3"
    CONNECT_ERROR = "4"
    BINARY_EVENT = "5"
    BINARY_ACK = "6"


class PacketError(Exception):
    """A packet that the protocol does not allow; the message says what is expected."""

    code = 1002  # RFC 6455, section 7.4.1: a protocol error


class TooLarge(PacketError):
    """One that is larger than maxPayload."""

    code = CloseCode.TOO_BIG


EnginePacket = tuple[EngineType, Message]


def read_payload(body: bytes) -> list[EnginePacket]:
    """The packets of one POST of the polling transport. Raises PacketError."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise PacketError("a payload is text in UTF-8") from None
    packets = text.split(SEPARATOR, MAX_PACKETS)
    if len(packets) > MAX_PACKETS:
        raise PacketError(f"a payload has at most {MAX_PACKETS} packets")
    return [read_engine_packet(packet) for packet in packets]


def read_engine_packet(packet: Message) -> EnginePacket:
    """One packet; a binary one is a message, where it comes as text in base64 behind a "b".

    Raises PacketError.
    """
    if isinstance(packet, bytes):
        return EngineType.MESSAGE, packet
    if packet.startswith("b"):
        try:
            return EngineType.MESSAGE, base64.b64decode(packet[1:], validate=True)
        except (binascii.Error, ValueError):
            raise PacketError("what follows the b of a binary packet is base64") from None
    if packet[:1] not in set(EngineType):
        raise PacketError("an Engine.IO packet begins with a digit from 0 to 6, or with b")
    return EngineType(packet[0]), packet[1:]


def open_packet(sid: str, upgrades: list[str], ping_interval: float, ping_timeout: float, most: int) -> str:
    """The first packet of a session: seconds are told in milliseconds, `most` bytes go into one payload."""
    handshake = {
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": int(ping_interval * 1000),
        "pingTimeout": int(ping_timeout * 1000),
        "maxPayload": most,
    }
    return EngineType.OPEN + _dump(handshake)


@dataclass(frozen=True, slots=True)
class SocketPacket:
    """One Socket.IO packet. `size` in characters; `problem` says what is wrong with the data of a CONNECT."""

    type: SocketType
    namespace: str = "/"
    id: int | None = None
    data: Any = None
    attachments: int = 0
    size: int = 0
    problem: str | None = None


_PACKET = re.compile(
    r"(?P<type>[0-6])(?:(?<=[56])(?P<attachments>[0-9]{1,3})-)?(?:(?P<namespace>/[^,]*),?)?"
    r"(?P<id>[0-9]*)(?P<data>.*)",
    re.DOTALL,
)


def read_socket_packet(text: str) -> SocketPacket:
    """Raises PacketError. The data of a CONNECT are not judged here: it is answered, whatever they are."""
    found = _PACKET.fullmatch(text)
    if found is None:
        raise PacketError("a Socket.IO packet begins with a digit from 0 to 6")
    kind = SocketType(found["type"])
    namespace = (found["namespace"] or "/").partition("?")[0]
    if kind is SocketType.CONNECT:
        data, problem = _connect_data(found["id"] + found["data"])
        return SocketPacket(kind, namespace, None, data, size=len(text), problem=problem)
    if kind is SocketType.CONNECT_ERROR:
        raise PacketError("only a server sends CONNECT_ERROR")
    is_binary = kind in (SocketType.BINARY_EVENT, SocketType.BINARY_ACK)
    attachments = int(found["attachments"] or 0)
    if is_binary and not 0 < attachments <= MAX_ATTACHMENTS:
        raise PacketError(f"a binary packet has 1 to {MAX_ATTACHMENTS} attachments")
    packet_id = int(found["id"]) if 0 < len(found["id"]) < 17 else None
    if (packet_id is None and found["id"]) or (packet_id or 0) > SAFE_INTEGER:
        raise PacketError(f"the id of a packet is a whole number up to {SAFE_INTEGER}")
    data = _load(found["data"])
    if kind is SocketType.DISCONNECT:
        if data is not None:
            raise PacketError("a DISCONNECT has no data")
    elif not isinstance(data, list) or not (data or kind in (SocketType.ACK, SocketType.BINARY_ACK)):
        raise PacketError('the data of an event are an array like ["name", …], of an ack an array')
    return SocketPacket(kind, namespace, packet_id, data, attachments, len(text))


def _connect_data(text: str) -> tuple[Any, str | None]:
    """What a client gives as auth, and what is wrong with it."""
    try:
        data = _load(text)
    except PacketError as error:
        return None, str(error)
    if not isinstance(data, dict | None):
        return None, "auth must be an object like {token}"
    return data, None


def read_command(packet: SocketPacket) -> Command:
    """The command of an event: `emit(event, data, ack)`. Raises FrameError."""
    check_bounds(packet.data, packet.id)
    event, *args = packet.data
    if packet.attachments:
        raise FrameError(ErrorCode.BAD_FRAME, "data must be JSON, these are binary", packet.id)
    if not isinstance(event, str) or not 0 < len(event) <= 100:
        raise FrameError(ErrorCode.BAD_FRAME, "event must be a string of 1 to 100 characters", packet.id)
    data = args[0] if args else None
    if len(args) > 1 or not isinstance(data, dict | None):
        message = "expected emit(event, data, ack) with an object as data"
        raise FrameError(ErrorCode.BAD_FRAME, message, packet.id)
    return Command(packet.id, event, data or {})


def connect(sid: str) -> str:
    """The Engine.IO packet that says that a client is let in."""
    return EngineType.MESSAGE + SocketType.CONNECT + _dump({"sid": sid})


def connect_error(namespace: str, message: str, data: dict[str, Any]) -> str:
    """The one that says that it is not: `err.message` and `err.data` of the client's `connect_error`."""
    to = "" if namespace == "/" else f"{namespace},"
    return EngineType.MESSAGE + SocketType.CONNECT_ERROR + to + _dump({"message": message, "data": data})


def packet_of(frame: str) -> str:
    """The one of a frame of the gateway: an ack where it answers an event, else an event of its own.

    Events of the log are handed on whole, as `(event, envelope)`, the gateway's own as `(event, data)`.
    """
    parsed = orjson.loads(frame)
    if "id" in parsed:
        return f"{EngineType.MESSAGE}{SocketType.ACK}{parsed['id']}[{_dump(parsed['data'])}]"
    payload = frame if "seq" in parsed else _dump(parsed["data"])
    return f"{EngineType.MESSAGE}{SocketType.EVENT}[{_dump(parsed['event'])},{payload}]"


def _load(text: str) -> Any:
    if not text:
        return None
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise PacketError(f"the data of a packet are JSON: {error}") from None


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
