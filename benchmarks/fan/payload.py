"""What is published: one JSON text of the same size for every server, and the bytes that carry it there.

The crowd (client/crowd.c) publishes by itself, so that no other process stands between an event that every
member has got and the next one. It knows no protocol: it is given the whole bytes of one publication, made by
the library concerned, and where in them the stamp and the number stand.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

EVENT_BYTES = 340  # of an event's text as it arrives at a client, without the WebSocket header
FIRST_NUMBER = 1_000_000_001  # numbers have ten digits and fit 32 bits
NUMBERS = 3_000_000_000  # the largest that is used
EVENT = "task:updated"

SAMPLE_NUMBER = 1_987_654_321
SAMPLE_STAMP = "1357924680135792468"
SAMPLE_AT = 1_234_567_890.625  # epoch seconds
SAMPLE_ROOM = "00000000-0000-4000-8000-00000000feed"

Patch = tuple[int, str]


def mark(number: int, stamp: str | int) -> str:
    """`<19 digits of CLOCK_MONOTONIC, ns>-<10 digits>`: when an event was published, and which it is."""
    return f"{stamp:0>19}-{number:010}"


def event(number: int, stamp: str | int, room: str = SAMPLE_ROOM) -> dict[str, Any]:
    """An event of a board as it goes to its members, to be filled up to its size by `padded`."""
    return {
        "event": EVENT,
        "projectId": room,
        "seq": number,
        "at": "2026-11-28T12:00:00.000Z",
        "actor": {"id": "11111111-2222-4333-8444-555555555555", "name": "Olive Owner"},
        "mutationId": None,
        "data": {"mark": mark(number, stamp), "text": ""},
    }


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def padded(found: dict[str, Any], text: Callable[[Any], str] = compact) -> dict[str, Any]:
    """The same with a text so long that `text` of it has EVENT_BYTES characters."""
    missing = EVENT_BYTES - len(text(found))
    assert missing >= 0, f"{-missing} bytes too long: {found}"
    found["data"]["text"] = "x" * missing
    return found


def sample(text: Callable[[Any], str] = compact) -> dict[str, Any]:
    """The event that a template is made of."""
    return padded(event(SAMPLE_NUMBER, SAMPLE_STAMP), text)


@dataclass(frozen=True, slots=True)
class Template:
    """The bytes of one publication, and what is put in where (see feed.c for the kinds)."""

    bytes: bytes
    patches: tuple[Patch, ...]


def template(raw: bytes) -> Template:
    """Find the sample's stamp, number and time in a publication, as digits or as MessagePack has them."""
    wanted = (
        (SAMPLE_STAMP.encode(), 0, "stamp"),
        (str(SAMPLE_NUMBER).encode(), 0, "number"),
        (struct.pack(">BI", 0xCE, SAMPLE_NUMBER), 1, "u32"),
        (struct.pack(">BQ", 0xCF, SAMPLE_NUMBER), 1, "u64"),
        (struct.pack(">Bd", 0xCB, SAMPLE_AT), 1, "f64"),
    )
    patches = [
        (place + skipped, kind) for pattern, skipped, kind in wanted for place in _places(raw, pattern)
    ]
    kinds = [kind for _, kind in patches]
    assert "stamp" in kinds, raw
    assert "number" in kinds, raw
    return Template(raw, tuple(patches))


def publish(channel: bytes, message: bytes) -> bytes:
    """The Redis command, as it travels."""
    words = (b"PUBLISH", channel, message)
    return b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _places(raw: bytes, pattern: bytes) -> list[int]:
    found, place = [], raw.find(pattern)
    while place >= 0:
        found.append(place)
        place = raw.find(pattern, place + 1)
    return found
