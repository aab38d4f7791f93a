"""How much one person may do in a time: changes, bytes of the event log, unknown names of members.

Each process counts for itself, as it does for calls of the API. What operators change in the admin is not
counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from projects.errors import RateLimited
from projects.models import User
from realtime.eventlog import Event
from realtime.quotas import MINUTE, AtOnce, Quota

HOUR = 60 * MINUTE

WRITES = Quota("WRITES_PER_MINUTE", settings.WRITES_PER_MINUTE, MINUTE)
LOG_BYTES = Quota("LOG_BYTES_PER_HOUR", settings.LOG_BYTES_PER_HOUR, HOUR)
UNKNOWN_NAMES = Quota("UNKNOWN_NAMES_PER_HOUR", settings.UNKNOWN_NAMES_PER_HOUR, HOUR)

AT_ONCE = AtOnce("WRITES_AT_ONCE", settings.WRITES_AT_ONCE)
AGAIN_SECONDS = 1


@contextmanager
def one_of_few(user: User) -> Iterator[None]:
    """A write of the person's, from before it may have to wait for anything: while it does, it takes a thread
    and a connection to the database, which everybody shares. Raises RateLimited.
    """
    user_id = str(user.pk)
    if not AT_ONCE.take(user_id):
        raise RateLimited(
            f"{AT_ONCE.most} of your changes are under way, as many as may be at a time: "
            f"try again in {AGAIN_SECONDS} s.",
            limit="at-once",
            retry_after=AGAIN_SECONDS,
        )
    try:
        yield
    finally:
        AT_ONCE.give_back(user_id)


def count_write(user: User) -> None:
    """Count a change that the person is about to make. Raises RateLimited."""
    _require(LOG_BYTES, "bytes", user, "Your changes may take {most} bytes of the log an hour")
    _require(WRITES, "changes", user, "You may make {most} changes a minute")
    WRITES.spend(str(user.pk))


def count_event(user: User, event: Event) -> None:
    """Count what a change has appended to the log."""
    LOG_BYTES.spend(str(user.pk), event.size)


def count_answer(user: User, answer: str) -> None:
    """Count an answer that is kept for its key: one that changed nothing may be as large as an event."""
    LOG_BYTES.spend(str(user.pk), len(answer.encode()))


def require_names_left(user: User) -> None:
    """Raises RateLimited."""
    _require(UNKNOWN_NAMES, "names", user, "You may name {most} people an hour whom nobody knows")


def count_unknown_name(user: User) -> None:
    """Count a name of nobody: else whoever owns a board could try who exists."""
    UNKNOWN_NAMES.spend(str(user.pk))


def _require(quota: Quota, limit: str, user: User, rule: str) -> None:
    wait = quota.refused(str(user.pk))
    if wait is not None:
        seconds = math.ceil(wait)
        raise RateLimited(
            f"{rule.format(most=f'{quota.most:,}')} ({quota.setting}), and that is used up: "
            f"try again in {seconds} s.",
            limit=limit,
            retry_after=seconds,
        )
