"""A client's copy of a board: one snapshot, then each event once, in order."""

import time
from bisect import bisect_left
from math import inf
from typing import Any

from tests.support.reducer import Snapshot, apply, in_board_order


class Replica:
    """What a client shows. `holes` and `doubled` are what no connection may ever bring.

    A `light` one counts events and keeps no board, so that a thousand fit into one process.
    """

    def __init__(self, name: str, project: str, light: bool = False) -> None:
        self.name = name
        self.light = light
        self.project = project
        self.board: Snapshot | None = None
        self.seq = -1
        self.holes: list[str] = []
        self.doubled = 0
        self.reloads = 0
        self._connected: list[list[float]] = []  # from when to when, by the monotonic clock
        self._reached: list[tuple[int, float]] = []

    @property
    def connected(self) -> bool:
        return bool(self._connected) and self._connected[-1][1] == inf

    def load(self, snapshot: Snapshot) -> None:
        """Take a fresh snapshot, the first or after a trimmed history."""
        self.reloads += self.board is not None
        self.seq = snapshot.pop("seq")
        self.board = snapshot
        self._reached.append((self.seq, time.monotonic()))

    def attach(self) -> None:
        if not self.connected:
            self._connected.append([time.monotonic(), inf])

    def detach(self) -> None:
        if self.connected:
            self._connected[-1][1] = time.monotonic()

    def connected_from(self, moment: float) -> float:
        """Since when it has been connected at a moment, or was last; infinity where it never was before."""
        return max((start for start, _ in self._connected if start <= moment), default=inf)

    def was_connected(self, start: float, end: float) -> bool:
        """By one and the same connection, all the time between."""
        return any(since <= start and end <= until for since, until in self._connected)

    def take(self, event: dict[str, Any]) -> None:
        """Apply one event of the log."""
        if event["seq"] <= self.seq:
            self.doubled += 1
            return
        if event["seq"] != self.seq + 1:
            self.holes.append(f"{self.name}: {event['seq']} came after {self.seq}")
        if not self.light:
            assert self.board is not None
            self.board = apply(self.board, event["event"], dict(event["data"]))
        self.seq = event["seq"]
        self._reached.append((self.seq, time.monotonic()))

    def reached_at(self, seq: int) -> float:
        """When it had everything up to `seq`, by the monotonic clock; infinity where it has not."""
        place = bisect_left(self._reached, (seq, 0.0))
        return self._reached[place][1] if place < len(self._reached) else inf

    def shown(self) -> Snapshot | None:
        """The board in board order, as the service would give it."""
        return self.board and in_board_order(self.board)
