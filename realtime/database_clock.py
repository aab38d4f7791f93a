"""The time by the database's clock, as this process knows it, and how far its own clock is from that.

What several machines judge, such as the end of a block, goes by the one clock that they share. Whoever looks
at the operators' rules asks for it every MEASURE_SECONDS; between, it goes on by the monotonic clock: a jump
of the machine's own clock changes nothing. On SQLite the two are one.
"""

import logging
import time
from datetime import UTC, datetime, timedelta

from django.db import connection

from realtime import metrics

logger = logging.getLogger(__name__)

MEASURE_SECONDS = 2.0
LONGEST_SECONDS = 0.5  # of the question: half of it is the error, and the last answer is better than that
APART_SECONDS = 1.0  # from which on operators are told


class DatabaseClock:
    """One process's."""

    def __init__(self) -> None:
        self._measured_at = float("-inf")  # these two by the monotonic clock
        self._zero: float | None = None  # the database's time at its beginning
        self._apart = False

    def now(self) -> float:
        """Epoch seconds; by this process's own clock before the first answer."""
        return time.time() if self._zero is None else self._zero + time.monotonic()

    def measure(self) -> None:
        """Ask the database, if it was not asked lately. Raises Error."""
        began = time.monotonic()
        if began - self._measured_at < MEASURE_SECONDS:
            return
        there = _ask()
        ended = time.monotonic()
        if self._zero is None or ended - began < LONGEST_SECONDS:
            self._zero = there - (began + ended) / 2
            self._note(time.time() - self.now())
        self._measured_at = ended

    def _note(self, offset: float) -> None:
        metrics.CLOCK_OFFSET.set(offset)
        apart = abs(offset) > APART_SECONDS
        if apart and not self._apart:
            logger.warning(
                "the clock of this machine is %.1f s %s the database's: see to its NTP",
                abs(offset),
                "ahead of" if offset > 0 else "behind",
            )
        elif self._apart and not apart:
            logger.warning("the clock of this machine agrees with the database's again")
        self._apart = apart


_clock = DatabaseClock()
now = _clock.now
measure = _clock.measure


def after(duration: timedelta) -> datetime:
    """The time so long from now, by the database itself. Raises Error."""
    return datetime.fromtimestamp(_ask(), UTC) + duration


def _ask() -> float:
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        return float(cursor.fetchone()[0])
