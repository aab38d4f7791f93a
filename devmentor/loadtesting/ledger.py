"""The account that a client keeps of the events of its room. Pure."""

from functools import lru_cache
from typing import NamedTuple

import orjson

HELD_HOLES = 1000  # numbers of missed events that are kept, to tell late from lost


class Heard(NamedTuple):
    """What matters of an event."""

    room: str
    seq: int
    key: str | None


@lru_cache(maxsize=256)
def event_of(payload: bytes) -> Heard | None:
    """The event that a frame holds, None where it is another frame. All clients get the same bytes."""
    frame = orjson.loads(payload)
    if "seq" not in frame:
        return None
    return Heard(str(frame.get("projectId")), int(frame["seq"]), frame.get("mutationId"))


class Ledger:
    """`seq`: the last event heard, None before the room was joined.

    What was missed, heard twice or too late is counted and never healed: a client that is connected is
    promised each event once, in order, and one that comes back goes on with the next.
    """

    def __init__(self) -> None:
        self.seq: int | None = None
        self.missed = self.doubled = self.late = 0
        self._holes: set[int] = set()
        self._cut_off_at: int | None = None

    @property
    def losses(self) -> int:
        return self.missed + self.doubled + self.late

    def join(self, head: int) -> None:
        """It has its place. Whoever was here before goes on from what it has, and else from the head."""
        if self.seq is None:
            self.seq = head
            if self._cut_off_at is not None:
                self.missed += max(0, head - self._cut_off_at)

    def cut_off(self) -> None:
        """The log no longer reaches back to what it has."""
        self._cut_off_at, self.seq = self.seq, None

    def take(self, seq: int) -> bool:
        """Whether the event is here for the first time."""
        last = self.seq
        if last is None:
            return False
        if seq == last + 1:
            self.seq = seq
        elif seq > last:
            self.missed += seq - last - 1
            self._holes.update(range(last + 1, min(seq, last + 1 + HELD_HOLES)))
            self.seq = seq
        elif seq in self._holes:
            self._holes.discard(seq)
            self.missed -= 1
            self.late += 1
        else:
            self.doubled += 1
            return False
        return True

    def close(self, head: int) -> None:
        """What has not come by now is missed."""
        self.missed += max(0, head - (self.seq or 0))

    def __str__(self) -> str:
        """What is wrong with it: `3 missed, 1 heard twice`."""
        counts = {"missed": self.missed, "heard twice": self.doubled, "heard out of order": self.late}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)
