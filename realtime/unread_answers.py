"""Answers that wait in memory for peers that read them slowly, and when such a peer is given up.

Each alone may take its time, if it reads at all. All of a process together have a bound: beyond it the answer
that has waited the longest goes, of those of the address for which the most waits.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from realtime.acknowledgement import CountedWrites
from realtime.networks import counted_as
from realtime.proxies import THIS_MACHINE

MOST_BYTES = 256 * 1024 * 1024


class UnreadAnswers:
    """Those of one process; `most` in bytes of memory."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self._waiting: dict[ReaderWatch, int] = {}  # the longest first
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def note(self, watch: "ReaderWatch", size: int) -> None:
        """So many bytes are held for that peer."""
        self._add(watch.address, -self._waiting.pop(watch, 0))
        if size:
            self._waiting[watch] = size
            self._add(watch.address, size)
        while self._total > self.most:
            self._make_room()

    def _make_room(self) -> None:
        address, _ = max(self._by_address.items(), key=lambda item: item[1])
        oldest = next(watch for watch in self._waiting if watch.address == address)
        oldest.end()
        asyncio.get_running_loop().call_soon(oldest.give_up)  # it may be in the middle of a write

    def _add(self, address: str, by: int) -> None:
        self._total += by
        self._by_address[address] += by
        if not self._by_address[address]:  # else whoever was ever slow would be remembered
            del self._by_address[address]


class ReaderWatch:
    """Notices a peer that hardly reads while an answer waits for it, which takes memory for as long."""

    SECONDS = 30.0
    LEAST_BYTES = 30 * 1024  # in that time: a connection by the slowest of mobile networks takes more

    def __init__(
        self,
        answers: CountedWrites,
        peer: str | None,
        unread: UnreadAnswers,
        give_up: Callable[[], None],
    ) -> None:
        self.address = counted_as(peer or THIS_MACHINE)
        self._answers = answers
        self._unread = unread
        self._give_up: Callable[[], None] | None = give_up
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Something waits."""
        self._stop()
        left = self._answers.left
        self._timer = asyncio.get_running_loop().call_later(self.SECONDS, self._look, left)
        self._unread.note(self, self._answers.held)

    def end(self) -> None:
        self._stop()
        self._unread.note(self, 0)

    def close(self) -> None:
        """Of a connection that is gone: whoever watches and is told no longer hold each other."""
        self.end()
        self._give_up = None

    def give_up(self) -> None:
        if self._give_up is not None:
            self._give_up()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, left_before: int) -> None:
        taken = left_before - self._answers.left
        if taken >= self.LEAST_BYTES:
            self.begin()
        else:
            self.give_up()
