"""Fan-out: how fast an event reaches everybody in a room, here and on other servers, side by side.

    .venv/bin/python -m benchmarks.fanout [--stacks a,b] [--connections 100,1000,5000] [--seconds S]
                                          [--repeat N] [--no-connects] [--rest US] [--nice N]
                                          [--add] [--output FILE]

The server under test has one core to itself; the clients, the publisher, Redis and PostgreSQL share the
other. Prints what each run found, then tables of ratios, and keeps everything in
benchmarks/results/fanout.json.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from benchmarks.fan import machine, measuring, table
from benchmarks.fan.crowd import REST_US, CrowdError
from benchmarks.fan.ours import Gateway
from benchmarks.fan.payload import EVENT_BYTES
from benchmarks.fan.peer_stacks import BareHub, Nchan, NodeWs, PythonSocketIO, SocketIO, StockChannels
from benchmarks.fan.rig import Rig
from benchmarks.fan.stacks import Missing, Stack
from tests.support.processes import NotReady

RESULTS = Path(__file__).parent / "results" / "fanout.json"
STACKS: dict[str, Callable[[Rig], Stack]] = {
    "devmentor-uvicorn": lambda rig: Gateway(rig, "uvicorn"),
    "devmentor-daphne": lambda rig: Gateway(rig, "daphne"),
    "bare-hub": BareHub,
    "socketio": SocketIO,
    "ws": NodeWs,
    "nchan": Nchan,
    "python-socketio": PythonSocketIO,
    "channels-uvicorn-pubsub": lambda rig: StockChannels(rig, "uvicorn", "pubsub"),
    "channels-uvicorn-core": lambda rig: StockChannels(rig, "uvicorn", "core"),
    "channels-daphne-pubsub": lambda rig: StockChannels(rig, "daphne", "pubsub"),
    "channels-daphne-core": lambda rig: StockChannels(rig, "daphne", "core"),
}

Run = dict[str, Any]


def main() -> None:
    given = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    found: dict[str, Any] = {
        "at": datetime.now(UTC).date().isoformat(),
        "machine": machine.describe(),
        "event_bytes": EVENT_BYTES,
        "seconds": given.seconds,
        "nice": given.nice,
        "rest_us": given.rest,
        "runs": json.loads(given.output.read_text())["runs"] if given.add else [],
    }
    before = 1 + max((run["turn"] for run in found["runs"]), default=-1)
    try:
        with Rig(given.nice) as rig:
            stacks = [STACKS[name](rig) for name in given.stacks]
            for run in measure(stacks, given):
                run["turn"] += before
                found["runs"].append(run)
                show(run)
    except KeyboardInterrupt:
        sys.stdout.write("interrupted; all that was started has been stopped\n")
        sys.exit(130)
    finally:
        if found["runs"]:
            given.output.parent.mkdir(exist_ok=True)
            given.output.write_text(json.dumps(found, indent=1) + "\n")
            sys.stdout.write("\n" + table.as_text(found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stacks", type=names, default=list(STACKS), help="default: " + ",".join(STACKS))
    parser.add_argument("--connections", type=numbers, default=[100, 1000, 5000])
    parser.add_argument("--seconds", type=float, default=3.0, help="of each closed loop")
    parser.add_argument("--repeat", type=int, default=1, help="whole rounds; tables show the median")
    parser.add_argument("--no-connects", action="store_true", help="leave out the measurement of connects/s")
    parser.add_argument(
        "--rest", type=int, default=REST_US, metavar="US", help="of the clients, after each look at what came"
    )
    parser.add_argument("--nice", type=int, default=0, help="below 0 where others use the machine, too")
    parser.add_argument("--add", action="store_true", help="to the rounds that are in the results already")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


def names(text: str) -> list[str]:
    found = text.split(",")
    if unknown := set(found) - set(STACKS):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: expected of {', '.join(STACKS)}")
    return found


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def interrupted(*_: object) -> NoReturn:
    """End as on Ctrl-C: what was started is stopped, what was measured is kept."""
    raise KeyboardInterrupt


def measure(stacks: list[Stack], given: argparse.Namespace) -> Iterator[Run]:
    """One server after the other in each round, so that all of them see the same day of the machine."""
    missing: set[str] = set()
    for turn in range(given.repeat):
        for count in given.connections:
            for stack in stacks:
                if stack.name not in missing:
                    yield attempt(
                        stack,
                        turn,
                        count,
                        missing,
                        partial(measuring.fan_out, stack, count, given.seconds, given.rest),
                    )
        for stack in stacks if not given.no_connects else ():
            if stack.name not in missing:
                yield attempt(stack, turn, None, missing, partial(measuring.connects, stack, given.rest))


def attempt(stack: Stack, turn: int, count: int | None, missing: set[str], work: Callable[[], Run]) -> Run:
    """One run, its failure told and not the end of the others."""
    began = time.monotonic()
    run: Run = {"stack": stack.name, "turn": turn, "connections": count}
    try:
        run.update(work())
    except Missing as what:
        missing.add(stack.name)
        run["missing"] = str(what)
    except (NotReady, CrowdError, RuntimeError) as failure:
        run["failed"] = str(failure)
    return {**run, "took_s": round(time.monotonic() - began, 1)}


def show(run: Run) -> None:
    for line in table.run_lines(run):
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
