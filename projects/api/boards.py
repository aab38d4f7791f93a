"""Boards as they were last sent, kept in this process for whoever asks next.

A board is what its log makes it: as long as its seq has not grown it is the same to the byte, and the same
for whoever may read it. So what is kept is held to the seq that the database has at each request, and rights
are looked at each time. A thousand clients that load one board at once are one reading of it, however large
it is, and large boards are read one after the other: what a reading takes is taken once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any
from uuid import UUID

import orjson
from cachetools import TTLCache
from django.db import connection

from projects import selectors

BYTES = 64 * 1024 * 1024
# A file of SQLite that was restored from a copy counts the same numbers again, of other boards.
SECONDS = 60.0
# How long a board may be ahead of the head that somebody has read: a writer came between the two. One that is
# ahead for longer is of commits that the database has lost.
AHEAD_SECONDS = 1.0
LARGE = 2_000_000  # characters, by `selectors.board_size`: such a board takes a tenth of a second and more


@dataclass(frozen=True, slots=True)
class RawJson:
    """JSON that is written already. Not bytes itself: of those Django would make a copy for each answer."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Board:
    seq: int
    json: RawJson


@dataclass(frozen=True, slots=True)
class _Kept:
    board: Board
    read_at: float


@dataclass(slots=True, eq=False)
class _Reading:
    """One that is under way: `found` or `failure` once it has `ended`."""

    ended: Event = field(default_factory=Event)
    found: Board | None = None
    failure: Exception | None = None


Read = Callable[[], Board]


class BoardCache:
    """The boards that were asked for last, `most_bytes` of them at the most; `clock` gives seconds."""

    def __init__(self, most_bytes: int = BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._boards: TTLCache[Any, _Kept] = TTLCache(
            most_bytes, SECONDS, timer=clock, getsizeof=lambda kept: len(kept.board.json.text)
        )
        self._clock = clock
        self._readings: dict[Any, _Reading] = {}
        self._lock = Lock()  # of both

    @property
    def size(self) -> int:
        """The bytes of all that is kept."""
        return int(self._boards.currsize)

    def get(self, key: object, seq: int, read: Read) -> Board:
        """The board at `seq` or later. One who asks reads it for all who ask for it meanwhile.

        Whoever waits holds no connection to the database. A reading that fails fails for all who wait for it.
        """
        while True:
            with self._lock:
                found = self._find(key, seq)
                reading = self._readings.get(key)
                if found is None and reading is None:
                    reading = self._readings[key] = _Reading()
                    break
            if found is None:
                assert reading is not None
                found = _new_enough(_wait(reading), seq)
            if found is not None:
                return found
        return self._read(key, reading, read)

    def _find(self, key: object, seq: int) -> Board | None:
        kept = self._boards.get(key)
        if kept is None or (kept.board.seq > seq and self._clock() - kept.read_at > AHEAD_SECONDS):
            return None
        return _new_enough(kept.board, seq)

    def _read(self, key: object, reading: _Reading, read: Read) -> Board:
        try:
            reading.found = read()
        except Exception as failure:
            reading.failure = failure
            raise
        finally:
            with self._lock:
                del self._readings[key]
                if reading.found is not None:
                    with suppress(ValueError):  # larger than all that may be kept
                        self._boards[key] = _Kept(reading.found, self._clock())
            reading.ended.set()
        return reading.found


def _wait(reading: _Reading) -> Board | None:
    _release_connection()
    reading.ended.wait()
    if reading.failure is not None:
        raise reading.failure
    return reading.found


def _new_enough(board: Board | None, seq: int) -> Board | None:
    return board if board is not None and board.seq >= seq else None


def _release_connection() -> None:
    """Give the thread's connection back to those who can use it; the next query takes another one."""
    if not connection.in_atomic_block:
        connection.close()


board_cache = BoardCache()
_reading_large = Lock()


def read_board(project_id: UUID, *, comment_counts: bool) -> Board:
    """As JSON, for whom the rights were looked at before. Large ones are read in turn. Raises NotFound."""
    if selectors.board_size(project_id) < LARGE:
        return _read(project_id, comment_counts)
    if not _reading_large.acquire(blocking=False):
        _release_connection()
        _reading_large.acquire()
    try:
        return _read(project_id, comment_counts)
    finally:
        _reading_large.release()


def _read(project_id: UUID, comment_counts: bool) -> Board:
    """Task by task, so that a large board is never in memory as rows and as JSON at once."""
    found = selectors.board_unchecked(project_id, comment_counts=comment_counts, collect=_fragments)
    return Board(found["seq"], RawJson(orjson.dumps(found)))


def _fragments(tasks: Iterable[object]) -> list[orjson.Fragment]:
    return [orjson.Fragment(orjson.dumps(task)) for task in tasks]
