"""`manage.py` with one thing changed: the next version, a crash, or a promise's mechanism taken out.

python -m tests.faults.variants VARIANT gateway --port …
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.management import execute_from_command_line

CRASH_AT = "crash before the bell"


async def do_nothing(*_: Any) -> None:
    """In the place of what is taken out."""


def next_version() -> None:
    """Messages carry fields, and come in kinds, that the present version does not know."""
    from realtime import broadcast
    from realtime.rooms import group_name

    stamped = broadcast.stamped

    def stamped_anew(message: dict[str, Any]) -> dict[str, Any]:
        return {**stamped(message), "v": 2, "priority": "high", "trace": {"of": ["the", "next"]}}

    broadcast.stamped = stamped_anew
    publish = broadcast.publish

    def publish_twofold(room_name: str, event: Any) -> None:
        broadcast._send(group_name(room_name), {"kind": "digest", "room": room_name, "of": [1, None]})
        publish(room_name, event)

    broadcast.publish = publish_twofold


def crash_before_bell() -> None:
    """A commit stands, and the process is gone before anybody was told."""
    from realtime import broadcast

    publish = broadcast.publish

    def publish_or_crash(room_name: str, event: Any) -> None:
        if CRASH_AT in event.envelope:
            os.kill(os.getpid(), signal.SIGKILL)
        publish(room_name, event)

    broadcast.publish = publish_or_crash


def without_gap_fill() -> None:
    """A hole in what was heard is never filled from the log."""
    from realtime.hub import Hub

    Hub._suspect = lambda *_: None  # type: ignore[method-assign]


def without_head_check() -> None:
    """What the bell did not tell is never looked for."""
    from realtime.hub import Hub

    Hub.check_heads = do_nothing  # type: ignore[assignment, method-assign]


def without_drain() -> None:
    """SIGTERM ends everything at once."""
    from realtime.gateway import Gateway

    Gateway.drain = do_nothing  # type: ignore[assignment, method-assign]


def without_lease() -> None:
    """Nobody looks for gateways that died."""
    from realtime.upkeep import Upkeep

    Upkeep._look_for_the_dead = do_nothing  # type: ignore[assignment, method-assign]


def without_canary() -> None:
    """A gateway takes itself for healthy, whatever it hears."""
    from realtime.bell import Bell

    Bell.healthy = True  # type: ignore[assignment, method-assign]


def without_idempotency() -> None:
    """Each request is carried out, whether or not its key was seen before."""
    from uuid import uuid4

    from projects import services

    claim = services.idempotency_claim
    services.idempotency_claim = lambda **given: claim(**{**given, "key": str(uuid4())})


VARIANTS: dict[str, Callable[[], None]] = {
    "next-version": next_version,
    "crash-before-bell": crash_before_bell,
    "without-gap-fill": without_gap_fill,
    "without-head-check": without_head_check,
    "without-drain": without_drain,
    "without-lease": without_lease,
    "without-canary": without_canary,
    "without-idempotency": without_idempotency,
}


if __name__ == "__main__":
    django.setup()
    VARIANTS[sys.argv[1]]()
    execute_from_command_line(["manage.py", *sys.argv[2:]])
