"""How much one caller may take in a time: buckets of tokens, each refilled evenly."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from realtime import metrics
from realtime.refusals import note, shown

MINUTE = 60.0


class TokenBuckets:
    """Buckets by key, each of which holds `most` tokens and is refilled in `seconds`; 0 is no limit.

    What is kept is bounded: a bucket that is full again is as good as none, and goes. Beyond MOST_KEYS that
    of the oldest take goes, since it is the nearest to that.
    """

    MOST_KEYS = 100_000

    def __init__(self, most: int, seconds: float = MINUTE) -> None:
        self._most = float(most)
        self._seconds = seconds
        # Tokens, and when the last was taken; the oldest first.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()  # REST calls are counted in threads

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> bool:
        """Take a token at `now` (seconds); False when there is none."""
        if not self._most:
            return True
        with self._lock:
            tokens = self._tokens(key, now)
            if tokens < 1:
                return False
            self._put(key, tokens - 1, now)
        return True

    def spend(self, key: str, amount: int, now: float) -> None:
        """Take so many tokens, also where there are fewer: what is missing has to come back first."""
        if not self._most:
            return
        with self._lock:
            self._put(key, self._tokens(key, now) - amount, now)

    def give_back(self, key: str, now: float) -> None:
        """Undo a take."""
        with self._lock:
            if key in self._buckets:
                tokens, before = self._buckets[key]
                self._buckets[key] = (min(tokens + 1, self._most), before)

    def wait(self, key: str, now: float) -> float:
        """In how many seconds from `now` there will be a token."""
        if not self._most:
            return 0.0
        with self._lock:
            missing = 1 - self._tokens(key, now)
        return max(0.0, missing * self._seconds / self._most)

    def _tokens(self, key: str, now: float) -> float:
        tokens, before = self._buckets.get(key, (self._most, now))
        return min(self._most, tokens + (now - before) * self._most / self._seconds)

    def _put(self, key: str, tokens: float, now: float) -> None:
        """Each call adds one at the most: by looking at two, what is full goes faster than new ones come."""
        self._buckets[key] = (tokens, now)
        self._buckets.move_to_end(key)
        for _ in range(2):
            oldest = next(iter(self._buckets))
            if self._tokens(oldest, now) >= self._most or len(self._buckets) > self.MOST_KEYS:
                del self._buckets[oldest]


class Quota:
    """What each user may take in `seconds` by a setting, counted in this process.

    Whoever has any left may take more than that, and waits until it has come back: nobody needs to know
    beforehand how much a request will take.
    """

    def __init__(
        self, setting: str, most: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.setting = setting
        self.most = most
        self._buckets = TokenBuckets(most, seconds)
        self._clock = clock

    def spend(self, user_id: str, amount: int = 1) -> None:
        self._buckets.spend(user_id, amount, self._clock())

    def refused(self, user_id: str) -> float | None:
        """None where the user has some left. Else in how many seconds, and operators are told."""
        wait = self._buckets.wait(user_id, self._clock())
        if not wait:
            return None
        _note(self.setting, user_id)
        return wait


class AtOnce:
    """What each user may have under way at a time, counted in this process."""

    def __init__(self, name: str, most: int) -> None:
        self.name = name
        self.most = most
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, user_id: str) -> bool:
        """Whether there is a place; operators are told where there is none."""
        with self._lock:
            if self._under_way[user_id] < self.most:
                self._under_way[user_id] += 1
                return True
        _note(self.name, user_id)
        return False

    def give_back(self, user_id: str) -> None:
        with self._lock:
            self._under_way[user_id] -= 1
            if not self._under_way[user_id]:
                del self._under_way[user_id]


def _note(limit: str, user_id: str) -> None:
    metrics.LIMIT_REFUSALS.labels(limit).inc()
    note(limit, f"a change by user {shown(user_id)}", f"{limit} is reached")
