"""How much one person may do in a time: writes, bytes of the log, names that nobody has.

Each process counts for itself, in memory, as it does for calls of the API. What operators do in the admin is
not counted.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from django.conf import settings

from projects.errors import RateLimited
from projects.models import User

MINUTE, HOUR = 60.0, 3600.0


class Quota:
    """`most` in `seconds` for each person, which comes back evenly; 0 is no limit.

    Whoever has any left may spend more than that, and waits until it has come back: so nobody needs to know
    beforehand how much a write will take. What is kept is bounded: whoever has all of it again is forgotten,
    and beyond MOST_PEOPLE the one who spent longest ago.
    """

    MOST_PEOPLE = 100_000

    def __init__(
        self, most: int, seconds: float, sentence: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`sentence`: what to tell whoever has none left, with `{most}` in it."""
        self.most = most
        self._seconds = seconds
        self._sentence = sentence
        self._clock = clock
        # What they had left, and when; who spent longest ago first.
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._left)

    def require(self, user: User) -> None:
        """Raise RateLimited where nothing is left."""
        if not self.most:
            return
        with self._lock:
            missing = 1 - self._now(user.pk)
        if missing > 0:
            wait = math.ceil(missing * self._seconds / self.most)
            raise RateLimited(self._sentence.format(most=f"{self.most:,}"), retry_after=wait)

    def spend(self, user: User, amount: int = 1) -> None:
        if not self.most:
            return
        with self._lock:
            self._left[user.pk] = self._now(user.pk) - amount, self._clock()
            self._left.move_to_end(user.pk)
            self._forget()

    def _now(self, key: object) -> float:
        left, before = self._left.get(key, (float(self.most), 0.0))
        return min(float(self.most), left + (self._clock() - before) * self.most / self._seconds)

    def _forget(self) -> None:
        """Each spending adds one at the most: by looking at two, old ones go faster than new ones come."""
        for _ in range(2):
            key, (_, before) = next(iter(self._left.items()))
            is_full = self._clock() - before >= self._seconds and self._now(key) >= self.most
            if is_full or len(self._left) > self.MOST_PEOPLE:
                self._left.popitem(last=False)


WRITES = Quota(
    settings.WRITES_PER_MINUTE, MINUTE, "You may make {most} changes a minute, and have made as many."
)
LOG_BYTES = Quota(
    settings.LOG_BYTES_PER_HOUR,
    HOUR,
    "Your changes may take {most} bytes an hour, and have taken as many: a long description counts in full "
    "with each change of its task.",
)
UNKNOWN_NAMES = Quota(
    settings.UNKNOWN_NAMES_PER_HOUR,
    HOUR,
    "You have named {most} people in an hour who are not there. Ask for their exact usernames.",
)


def require_write(user: User) -> None:
    """Count a change that the person is about to make. Raises RateLimited."""
    LOG_BYTES.require(user)
    WRITES.require(user)
    WRITES.spend(user)
