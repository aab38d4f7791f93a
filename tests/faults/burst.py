"""Many events of another service at once, written straight into the log by a process of its own."""

import sys

import django

from tests.faults.trial import Trial
from tests.support.environment import environment
from tests.support.processes import run

SECONDS = 100


async def burst(load: Trial, project: str, *, events: int, size: int, together: int) -> None:
    """Append `events` events of `size` bytes each, so many `together` in a transaction."""
    settings = {"DATABASE_URL": load.cluster.postgres.url("board"), "REDIS_URL": load.cluster.redis.url}
    command = [sys.executable, "-m", "tests.faults.burst", project, str(events), str(size), str(together)]
    await load.in_thread(run, command, environment(settings), SECONDS)


def main(project: str, events: int, size: int, together: int) -> None:
    django.setup()
    from projects.rooms import room_of
    from realtime import eventlog

    actor = eventlog.Actor(None, "burst")
    for start in range(0, events, together):
        with eventlog.writing(room_of(project)) as log:
            for number in range(start, min(start + together, events)):
                log.append("ai:noted", {"number": number, "text": "x" * size}, actor=actor)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
