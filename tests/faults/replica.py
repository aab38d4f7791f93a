"""A client's copy of a board: one snapshot, then each event once, in order."""

import time
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
        self.level_since: float | None = None  # monotonic; when the connection that feeds it was last made
        self._reached: list[tuple[int, float]] = []

    @property
    def connected(self) -> bool:
        return self.level_since is not None

    def load(self, snapshot: Snapshot) -> None:
        """Take a fresh snapshot, the first or after a trimmed history."""
        self.reloads += self.board is not None
        self.seq = snapshot.pop("seq")
        self.board = snapshot
        self._reached.append((self.seq, time.monotonic()))

    def attach(self) -> None:
        if self.level_since is None:
            self.level_since = time.monotonic()

    def detach(self) -> None:
        self.level_since = None

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
        return next((at for reached, at in self._reached if reached >= seq), float("inf"))

    def shown(self) -> Snapshot | None:
        """The board in board order, as the service would give it."""
        return self.board and in_board_order(self.board)
