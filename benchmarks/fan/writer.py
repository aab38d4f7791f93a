"""The service's own code as a publisher, in a process of its own that serves nothing.

    python -m benchmarks.fan.writer sample                   ring for a sample event of a room that is not
    python -m benchmarks.fan.writer commit BOARD RATE COUNT  append COUNT events to a board, RATE a second

`commit` prints, as JSON, how long its transactions took from the stamp to the return of the commit.
"""

import json
import statistics
import sys
import time
from datetime import UTC, datetime

import django

from benchmarks.fan import payload

PAUSE_SECONDS = 1.0  # after the first event


def main() -> None:
    django.setup()
    match sys.argv[1:]:
        case ["sample"]:
            ring_sample()
        case ["commit", board, rate, count]:
            commit(board, float(rate), int(count))
        case _:
            sys.exit(__doc__)


def ring_sample() -> None:
    from realtime import broadcast
    from realtime.eventlog import Event

    at = datetime.fromtimestamp(payload.SAMPLE_AT, UTC)
    envelope = payload.compact(payload.sample())
    name = f"project:{payload.SAMPLE_ROOM}"
    broadcast.publish(name, Event(payload.SAMPLE_NUMBER, payload.EVENT, envelope, at))


def commit(board: str, rate: float, count: int) -> None:
    """Stamps before the event is written, since the row holds the stamp: the commit begins a little later."""
    from realtime.eventlog import Actor

    sample = payload.padded(payload.event(payload.SAMPLE_NUMBER, payload.SAMPLE_STAMP, board))
    actor, text = Actor(**sample["actor"]), sample["data"]["text"]
    append_once(board, actor, text)
    began = time.monotonic() + PAUSE_SECONDS
    took = []
    for number in range(count):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        took.append(append_once(board, actor, text))
    waits, commits = zip(*took, strict=True)
    sys.stdout.write(
        json.dumps({"append_ms": statistics.median(waits), "commit_ms": statistics.median(commits)})
    )


def append_once(board: str, actor: object, text: str) -> tuple[float, float]:
    """Milliseconds from the stamp to where the commit begins, and from there to its return."""
    from projects.rooms import room_of
    from realtime import eventlog

    room = room_of(board)
    with eventlog.writing(room) as log:
        number = eventlog.head(room) + 1
        stamp = time.monotonic_ns()
        log.append(payload.EVENT, {"mark": payload.mark(number, stamp), "text": text}, actor=actor)  # type: ignore[arg-type]
        commit_at = time.monotonic_ns()
    return (commit_at - stamp) / 1e6, (time.monotonic_ns() - commit_at) / 1e6


if __name__ == "__main__":
    main()
