"""The results of fan-out as a chart and as tables.

    .venv/bin/python -m benchmarks.chart [--results FILE] [--connections N] [--svg FILE] [--markdown FILE]

The chart and the first table are about N connections in one room, 1,000 unless said otherwise.
"""

import argparse
import json
from pathlib import Path

from benchmarks.fan import table
from benchmarks.fan.bars import Bar, Panel, svg
from benchmarks.fan.table import Column, Found
from benchmarks.fanout import RESULTS

NAMES = {  # what is in the chart, in this order; the bare hub is no server that anybody could use
    "devmentor-uvicorn": "DevMentor",
    "devmentor-daphne": "DevMentor, daphne",
    "socketio": "Socket.IO",
    "ws": "node ws",
    "nchan": "Nchan",
    "python-socketio": "python-socketio",
    "channels-uvicorn-pubsub": "Channels, uvicorn",
    "channels-uvicorn-core": "Channels, uvicorn, core",
    "channels-daphne-pubsub": "Channels, daphne",
    "channels-daphne-core": "Channels, daphne, core",
}


ABOUT = """Made by `python -m benchmarks.chart` from benchmarks/results/fanout.json.
[benchmarks/README.md](../benchmarks/README.md) says how each figure is taken,
[performance.md](performance.md) what they mean."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    found: Found = json.loads(given.results.read_text())
    if given.svg:
        given.svg.write_text(chart(found, given.connections))
    if given.markdown:
        given.markdown.write_text(tables(found, given.connections))


def chart(found: Found, count: int) -> str:
    machine = found["machine"]
    return svg(
        f"{count:,} WebSockets in one room, one core for the server",
        f"{machine['processor']}, Linux {machine['kernel']}, Python {machine['python']}, "
        f"Node {machine['node']}; measured {found['at']}",
        [
            panel(found, count, table.DELIVERIES[4], "deliveries a second", "4 events in flight"),
            panel(found, count, table.DELIVERIES[32], "deliveries a second", "32 events in flight"),
            panel(
                found, count, table.P99, "publication to client, p99 in ms", "10 events a second", most=250
            ),
            panel(found, count, table.MEMORY, "memory, KiB for each connection", "joined and idle"),
        ],
    )


def panel(
    found: Found, count: int, column: Column, title: str, note: str, most: float | None = None
) -> Panel:
    bars = []
    for stack in NAMES:
        if stack not in table.stacks(found):
            continue
        number = table.value(found, stack, count, column)
        text = "–" if number is None else column.form.format(number)
        bars.append(Bar(NAMES[stack], number, text, own=stack.startswith("devmentor")))
    return Panel(title[0].upper() + title[1:], note, bars, most)


def tables(found: Found, count: int) -> str:
    """Ratios first, then every figure, then what it was measured with."""
    machine = ", ".join(f"{name} {version}" for name, version in found["machine"].items())
    return "\n".join(
        [
            "# Fan-out, beside other servers\n",
            f"{ABOUT}\n",
            f"![Deliveries, latency and memory at {count:,} connections](images/fanout.svg)\n",
            f"Ratios to Socket.IO at {count:,} connections ({rounds(found, count)}, {found['at']}):\n",
            table.ratios(found, count),
            "Every figure, its ratio to Socket.IO's in brackets:\n",
            table.as_text(found),
            f"Measured with: {machine}.\n",
        ]
    )


def rounds(found: Found, count: int) -> str:
    """How often each server was measured: not all need be alike."""
    by_number: dict[int, list[str]] = {}
    for stack in dict.fromkeys(run["stack"] for run in found["runs"]):
        by_number.setdefault(len(table.runs(found, stack, count)), []).append(stack)
    most = max(by_number)
    few = [f"{number} of {', '.join(stacks)}" for number, stacks in by_number.items() if number < most]
    return "; ".join([f"the median of {most} rounds" if most > 1 else "one round", *few])


if __name__ == "__main__":
    main()
