"""Deleting what is too old, a few rows at a time, so that nobody waits long for what a chunk has locked."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

# Between two chunks, for those who wait: SQLite has no queue and lets them look again.
LEAST_PAUSE_SECONDS = 0.02


def days_ago(days: int) -> CombinedExpression:
    """By the database's clock: one gateway whose clock is wrong would delete for all."""
    return Now() - timedelta(days=days)


def delete_in_chunks(delete: Callable[[], int], size: int, stopping: threading.Event | None = None) -> int:
    """Call `delete`, which deletes `size` rows while there are as many; how many went in all.

    It rests as long as it has worked. Ends early, with whole chunks, once `stopping` is set.
    """
    stopping = stopping or threading.Event()
    deleted = 0
    while not stopping.is_set():
        began = time.monotonic()
        count = delete()
        deleted += count
        if count < size:
            break
        stopping.wait(max(LEAST_PAUSE_SECONDS, time.monotonic() - began))
    return deleted
