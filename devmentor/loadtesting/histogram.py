"""Percentiles of any number of durations, in a fixed amount of memory."""

import math
from array import array

LEAST_SECONDS = 1e-6
GROWTH = 1.01  # from one bucket to the next: a percentile is at most one per cent too high
BUCKETS = 2400  # reach to six hours
_STEP = math.log(GROWTH)


class Histogram:
    """Counts of durations, in seconds."""

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * BUCKETS))
        self.most = 0.0

    def add(self, seconds: float) -> None:
        if seconds > self.most:
            self.most = seconds
        place = int(math.log(seconds / LEAST_SECONDS) / _STEP) + 1 if seconds > LEAST_SECONDS else 0
        self._counts[min(place, BUCKETS - 1)] += 1

    def percentile(self, share: float) -> float | None:
        """What `share` (0 to 1) of the durations are at most; None where there are none."""
        wanted = math.ceil(share * sum(self._counts))
        passed = 0
        for place, count in enumerate(self._counts):
            passed += count
            if count and passed >= wanted:
                return min(LEAST_SECONDS * GROWTH**place, self.most)
        return None
