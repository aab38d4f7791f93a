"""A gateway's upkeep of the database: its own lease, the leases of the dead, and what is too old to keep."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from django.conf import settings

from realtime import leases, records, retention, samples
from realtime.audit import Audit
from realtime.background import Background
from realtime.chunks import delete_in_chunks
from realtime.database import in_database
from realtime.leases import RENEW_SECONDS, Holder
from realtime.outages import log_failure
from realtime.samples import SAMPLE_SECONDS, Sampler

logger = logging.getLogger(__name__)

Cleaning = Mapping[str, Callable[[], int]]
"""Further old rows, by what they are: each deletes a few hundred at the most, and says how many."""

CLEANING_SECONDS = 3600.0
FIRST_CLEANING_SECONDS = 60.0


class Upkeep:
    """`gone` is called with the instance of each gateway that this one has found dead."""

    def __init__(self, audit: Audit, gone: Callable[[str], None], cleaning: Cleaning) -> None:
        self.audit = audit
        self._gone = gone
        self._also_cleaned = cleaning
        self._looked_at = float("-inf")
        self._background = Background()
        self._cleaning: asyncio.Task[None] | None = None
        self._clean_at = time.monotonic() + FIRST_CLEANING_SECONDS
        self._stopping = threading.Event()
        self._sampler = Sampler()
        self._sample_at = time.monotonic() + SAMPLE_SECONDS

    async def beat(self) -> None:
        """Every second: the own lease and connections first, then a look at the others' leases."""
        held = await self.audit.beat()
        now = time.monotonic()
        if held and self.audit.steady and now - self._looked_at >= RENEW_SECONDS - 0.5:
            self._looked_at = now
            await self._look_for_the_dead()
        if held and now >= self._sample_at:
            self._sample_at = now + SAMPLE_SECONDS
            await in_database(samples.write, self.audit.holder, self._sampler.take(self.audit.open))
        if held and now >= self._clean_at and (self._cleaning is None or self._cleaning.done()):
            self._clean_at = now + CLEANING_SECONDS
            self._cleaning = self._background.spawn("deleting old rows", self._clean())

    async def stop(self) -> None:
        self._stopping.set()
        await self.audit.stop()

    async def _look_for_the_dead(self) -> None:
        for dead in await in_database(leases.expire_overdue):
            logger.warning("gateway %s is dead: %d connections closed off", dead.instance, dead.connections)
            self._gone(dead.instance)

    async def _clean(self) -> None:
        """Once an hour. What is old is not urgent: should it fail, the next hour tries again."""
        await in_database(clean, self.audit.holder, self._also_cleaned, self._stopping)


def clean(holder: Holder, also: Cleaning, stopping: threading.Event) -> None:
    """One gateway does it for all: twice would do no harm, and no good."""
    if not leases.is_eldest(holder):
        return
    days, minimum = settings.EVENT_RETENTION_DAYS, settings.EVENT_RETENTION_MINIMUM
    work: Cleaning = {
        "events": lambda: retention.trim(days, minimum, stopping).events,
        "connections": lambda: records.forget(settings.CONNECTION_HISTORY_DAYS, stopping),
        "guests": lambda: records.forget_guests(settings.CONNECTION_HISTORY_GUESTS, stopping),
        "samples": samples.forget,
        **{what: partial(delete_in_chunks, delete, 1, stopping) for what, delete in also.items()},
    }
    for what, delete in work.items():
        try:
            if count := delete():
                logger.info("deleted %d old %s", count, what)
        except Exception as failure:  # noqa: BLE001  the others are old all the same
            log_failure(f"deleting old {what}", failure)
