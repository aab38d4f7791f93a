"""What it costs when a room fills with different people, and what rooms cost in which nothing happens.

    python -m benchmarks.crowded_room [--people N] [--rooms N]

One gateway on PostgreSQL and Redis. Everybody has a token and a membership of their own; they come one after
the other, into one room or spread over several, which is what it is compared with: the same number of
handshakes and joins, with few others to be told of. Processor time of the gateway until all have joined,
while nothing happens, and until all have gone.
"""

import argparse
import asyncio
from typing import Any

from benchmarks.rig_lines import watch
from benchmarks.rig_service import Board, Service, keep, person, token_of

Visit = tuple[str, str]  # a token and a board's id
IDLE_SECONDS = 30.0
SETTLE_SECONDS = 4.0  # what is told now and then has been told, and the audit has it


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--rooms", type=int, default=50, help="to compare with")
    given = parser.parse_args()
    if given.people < 2 or not 1 <= given.rooms <= given.people:
        parser.error("expected two people at least, and from one room to as many as there are people")
    with Service() as service:
        owner = person("owner")
        sizes = {rooms: given.people // rooms for rooms in (given.rooms, 1)}
        boards = {
            rooms: [Board(owner, tasks=0, members=size) for _ in range(rooms)]
            for rooms, size in sizes.items()
        }
        visits = {rooms: [visit for board in boards[rooms] for visit in _visits(board)] for rooms in boards}
        service.start()
        rows = [measure(service, rooms, visits[rooms]) for rooms in visits]
    keep("crowded_room", {"rows": rows})


def measure(service: Service, rooms: int, visits: list[Visit]) -> dict[str, Any]:
    row = {"people": len(visits), "rooms": rooms, **asyncio.run(_visit(service, visits))}
    print(
        "{people} people, {rooms} rooms: {join_ms:.2f} ms a join, {leave_ms:.2f} ms a leave,"
        " idle {idle_percent:.1f} % of a core".format(**row)
    )
    return row


async def _visit(service: Service, visits: list[Visit]) -> dict[str, float]:
    """Of the gateway's processor: milliseconds for each join and each leave, per cent of a core between."""
    first, *others = [(service.gateways[0].port, *visit, lambda *_: None) for visit in visits]
    here = [await watch(*first)]  # what is loaded at the first join only
    await asyncio.sleep(SETTLE_SECONDS)
    began = service.seconds()["gateway"]
    here += [await watch(*visit) for visit in others]
    await asyncio.sleep(SETTLE_SECONDS)
    joined = service.seconds()["gateway"]
    await asyncio.sleep(IDLE_SECONDS)
    idle = service.seconds()["gateway"]
    assert not any(task.done() for task in here), "somebody was put out"
    for task in here:
        task.cancel()
    await asyncio.sleep(SETTLE_SECONDS)
    left = service.seconds()["gateway"]
    return {
        "join_ms": 1000 * (joined - began) / len(others),
        "leave_ms": 1000 * (left - idle) / len(here),
        "idle_percent": 100 * (idle - joined) / IDLE_SECONDS,
    }


def _visits(board: Board) -> list[Visit]:
    members = board.project.memberships.exclude(role="owner").select_related("user")
    return [(token_of(member.user), board.id) for member in members]


if __name__ == "__main__":
    main()
