"""What connections cost that only stay: five thousand in one room, for a minute in which nothing happens.

    .venv/bin/python -m benchmarks.idle [--connections N] [--seconds S]

The gateway on PostgreSQL and Redis beside Socket.IO, one after the other, each with a core to itself. What
the gateway does meanwhile: heartbeats, pings and their answers, its lease and audit, the look at heads, users
and rules. CPU in per cent of a core, memory in KiB for each connection.
"""

import argparse
import sys
import time
from typing import Any

from benchmarks.fan import measuring
from benchmarks.fan.crowd import REST_US
from benchmarks.fan.ours import Gateway
from benchmarks.fan.peer_stacks import SocketIO
from benchmarks.fan.rig import Rig
from benchmarks.fan.stacks import Missing, Stack
from benchmarks.fan.usage import cpu_seconds, resident_bytes
from benchmarks.rig_service import keep

FIRST = 100  # connected before memory is looked at: they bring the server's buffers to their size
SETTLE_SECONDS = 15.0  # until what the joins have left to do is done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    rows = []
    with Rig() as rig:
        for stack in (Gateway(rig, "uvicorn"), SocketIO(rig)):
            try:
                rows.append(measure(stack, given.connections, given.seconds))
            except Missing as what:
                sys.stdout.write(f"{stack.name} left out: {what}\n")
                continue
            print(
                "{stack:20} {cpu:6.2f} % of a core, {kib:5.1f} KiB each, {joined} joined".format(**rows[-1])
            )
    keep("idle", {"connections": given.connections, "seconds": given.seconds, "rows": rows})


def measure(stack: Stack, connections: int, seconds: float) -> dict[str, Any]:
    with measuring.started(stack, REST_US) as session:
        session.crowd.set_script(session.running.script)
        session.crowd.connect(FIRST)
        session.running.settle()
        time.sleep(measuring.SETTLE_SECONDS)
        memory = resident_bytes(session.pid)
        session.crowd.connect(connections)
        time.sleep(SETTLE_SECONDS)
        began = cpu_seconds(session.pid)
        time.sleep(seconds)
        used = cpu_seconds(session.pid) - began
        session.running.settle()
        time.sleep(measuring.SETTLE_SECONDS)
        grown = resident_bytes(session.pid) - memory
        return {
            "stack": stack.name,
            "cpu": 100 * used / seconds,
            "kib": grown / (connections - FIRST) / 1024,
            "joined": session.count,
        }


if __name__ == "__main__":
    main()
