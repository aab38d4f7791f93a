"""What operators have set, as this process knows it: read anew when their journal has grown.

A gateway looks once a second, and whenever the bell tells. Whatever else needs to know looks where nobody in
its process has for LOOK_SECONDS. While the database cannot be read, what is known stays in force.
"""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import Error

from realtime import database_clock, journal, policy
from realtime.models import BlockedNetwork, PolicySetting
from realtime.networks import Block, Blocklist, read_network
from realtime.outages import is_away, log_away
from realtime.policy import Policy

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.5
LED_SECONDS = 15.0  # a look that fails takes that long: requests do not wait for the database once more
UNREAD = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """As of one entry of the journal, `seq`; UNREAD before the first look.

    wrong: what is wrong with each row that is not understood; those are left out, and stop no other
    """

    seq: int = UNREAD
    operators: Mapping[str, Any] = field(default_factory=dict)
    blocked: Blocklist = field(default_factory=Blocklist)
    wrong: frozenset[str] = frozenset()

    @property
    def policy(self) -> Policy:
        """What is in force in this process, whose environment has a say."""
        return policy.in_force(policy.environment(), self.operators)


_known = Rules()
_looked_at = _led_at = float("-inf")
_looking = threading.Lock()


def refresh() -> Rules:
    """What the database has now: one small query where nothing has changed; else the very same object.

    A row that is not understood was written past the journal, and may be mended so: it is read each time.
    """
    global _known, _looked_at
    now = time.monotonic()
    seq = journal.head()  # first: what is read after it is never older
    found = _known
    if seq != found.seq or found.wrong:
        read = _read(seq)
        if seq != found.seq or read.wrong != found.wrong:
            _log_wrong(read.wrong - found.wrong)
            found = _known = read  # of two who read at once one may leave the older: the next look sees it
    database_clock.measure()
    _looked_at = now
    return found


def known() -> Rules:
    """What is known, at most LOOK_SECONDS old while the database answers. One looks for all who ask."""
    global _looked_at
    if time.monotonic() - _looked_at <= LOOK_SECONDS or _is_led():
        return _known
    if not _looking.acquire(blocking=_known.seq == UNREAD):
        return _known
    try:
        if time.monotonic() - _looked_at > LOOK_SECONDS:  # nobody has looked while this one waited
            refresh()
    except Error as failure:
        if not is_away(failure):
            raise
        _looked_at = time.monotonic()  # the others do not wait for it, too
        log_away("operators' rules", failure)
    finally:
        _looking.release()
    return _known


def lead() -> None:
    """Whoever follows the journal in this process says so before each look: nobody else need look."""
    global _led_at
    _led_at = time.monotonic()


def _is_led() -> bool:
    return _known.seq != UNREAD and time.monotonic() - _led_at <= LED_SECONDS


def in_force() -> Policy:
    """The switches and limits in force, for whoever is no socket."""
    return known().policy


def forget() -> None:
    """Know nothing, as at the start. For tests, whose databases come and go under one process."""
    global _known, _looked_at, _led_at
    _known, _looked_at, _led_at = Rules(), float("-inf"), float("-inf")


def _read(seq: int) -> Rules:
    operators, wrong = policy.understood(PolicySetting.objects.values_list("name", "value"))
    blocks = []
    for network, until in BlockedNetwork.objects.values_list("network", "until"):
        try:
            blocks.append(Block(read_network(network), None if until is None else until.timestamp()))
        except ValueError as refused:
            wrong.append(f"a blocked network, {refused}")
    return Rules(seq, operators, Blocklist(blocks), frozenset(wrong))


def _log_wrong(rows: Iterable[str]) -> None:
    for row in sorted(rows):
        logger.warning("what operators have set is not understood and left out: %s", row)
