"""What has reached the clients, how long that took, and how much of it was this process's own doing."""

import asyncio
from dataclasses import dataclass
from time import perf_counter

from devmentor.loadtesting.histogram import Histogram

# Two turns of the loop with less than this between them: it did not rest.
BREATH_SECONDS = 0.001


@dataclass(slots=True)
class Expected:
    """A write of ours. `left`: clients that its event has not reached yet."""

    left: int
    sent_at: float | None = None
    answered: bool = False


class Arrivals:
    """Counts deliveries: an event of the room, read by one client, is one.

    latency: from when a write was first handed to the kernel here to when one client had read its event
    own: how much of that the event may have lain here, ready, while the clients before it were served. All
        clients share this process: with many of them the last is read later than it could have been.
        Counted from the beginning of the loop's turn, or of the one before where the loop did not rest.
    """

    def __init__(self, clients: int) -> None:
        self.latency = Histogram()
        self.own = Histogram()
        self.deliveries = 0
        self._clients = clients
        self._expected: dict[str, Expected] = {}
        self._turn: float | None = None
        self._before = 0.0
        self._since = 0.0
        self._rested_at = 0.0

    def expect(self, key: str) -> Expected:
        """From now on the event with this `mutationId` is one of ours."""
        expected = self._expected[key] = Expected(self._clients)
        return expected

    def forget(self, key: str) -> None:
        self._expected.pop(key, None)

    @property
    def unheard(self) -> int:
        """Answered writes whose event has reached nobody."""
        return sum(one.answered and one.left == self._clients for one in self._expected.values())

    def arrived(self, key: str | None) -> None:
        now = perf_counter()
        if self._turn is None:
            self._begin_turn(now)
        self.deliveries += 1
        expected = None if key is None else self._expected.get(key)
        if expected is None or expected.sent_at is None:
            return
        self.latency.add(now - expected.sent_at)
        self.own.add(now - self._since)
        expected.left -= 1
        if not expected.left and expected.answered:
            self.forget(key or "")

    def _begin_turn(self, now: float) -> None:
        rested = now - self._rested_at > BREATH_SECONDS
        self._turn = now
        self._since = now if rested else self._before
        # It runs before anything that becomes readable after this turn's look at the sockets.
        asyncio.get_running_loop().call_soon(self._end_turn)

    def _end_turn(self) -> None:
        assert self._turn is not None
        self._before, self._turn, self._rested_at = self._turn, None, perf_counter()
