"""Boards as they were last sent, kept in this process for whoever asks next.

A board is what its log makes it: as long as its seq has not grown it is the same to the byte, and the same
for whoever may read it. So what is kept is held to the seq that the database has at each request, and rights
are looked at each time, before. A thousand clients that load one board at once are one reading of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import orjson
from cachetools import TTLCache

BYTES = 32 * 1024 * 1024
# A database that was restored from a copy counts the same numbers again, of other boards.
SECONDS = 60.0


class Encoded(bytes):
    """JSON that is written already."""


@dataclass(frozen=True, slots=True)
class Board:
    seq: int
    text: Encoded


class Kept:
    """The boards that were asked for last, `most_bytes` of them at the most; `clock` gives seconds."""

    def __init__(self, most_bytes: int = BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._boards: TTLCache[Any, Board] = TTLCache(
            most_bytes, SECONDS, timer=clock, getsizeof=lambda board: len(board.text)
        )
        self._lock = Lock()
        self._reading = [Lock() for _ in range(16)]

    @property
    def size(self) -> int:
        """The bytes of all that is kept."""
        return int(self._boards.currsize)

    def get(self, key: object, seq: int, read: Callable[[], dict[str, Any]]) -> Board:
        """The board at `seq` or later. One reads it for all who ask for it meanwhile."""
        found = self._find(key, seq)
        if found is None:
            with self._reading[hash(key) % len(self._reading)]:
                found = self._find(key, seq) or self._put(key, read())
        return found

    def _find(self, key: object, seq: int) -> Board | None:
        with self._lock:
            found = self._boards.get(key)
        return found if found is not None and found.seq >= seq else None

    def _put(self, key: object, board: dict[str, Any]) -> Board:
        put = Board(board["seq"], Encoded(orjson.dumps(board)))
        with self._lock, suppress(ValueError):  # larger than all that may be kept
            self._boards[key] = put
        return put


KEPT = Kept()
