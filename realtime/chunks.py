"""Deleting many rows a few at a time, so that nobody waits long for what a chunk has locked."""

import threading
import time
from collections.abc import Callable

# Between two chunks, for those who wait: SQLite has no queue and lets them look again.
LEAST_PAUSE_SECONDS = 0.02


def delete_in_chunks(delete: Callable[[], int], size: int, stopping: threading.Event) -> int:
    """Call `delete`, which deletes `size` rows while there are as many; how many went in all.

    It rests as long as it has worked. Ends early, with whole chunks, once `stopping` is set.
    """
    deleted = 0
    while not stopping.is_set():
        began = time.monotonic()
        count = delete()
        deleted += count
        if count < size:
            break
        stopping.wait(max(LEAST_PAUSE_SECONDS, time.monotonic() - began))
    return deleted
