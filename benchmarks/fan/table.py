"""Results as tables: the median of the rounds, and in brackets the ratio to Socket.IO's."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Found = dict[str, Any]
REFERENCE = "socketio"
MEMORY_FROM = 1000  # connections: with fewer the steps in which a heap grows are all that one sees
QUIET = 0.05  # of the server's core: what others may take before a run is said to be disturbed


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a run: `path` is its phase and name, `scale` what it is multiplied by to be shown."""

    title: str
    path: tuple[str, str]
    form: str = "{:,.0f}"
    scale: float = 1.0
    ratio: bool = True


DELIVERIES = {
    window: Column(f"deliveries/s, {window} in flight", (f"loop_{window}", "deliveries_per_s"))
    for window in (4, 32)
}
P99 = Column("p99 ms", ("paced", "p99_ms"), "{:,.1f}")
CPU = Column("CPU s per 100,000", ("paced", "cpu_per_100k"), "{:,.2f}")
MEMORY = Column("KiB per idle connection", ("memory", "bytes_per_connection"), "{:,.1f}", 1 / 1024)
JOINS = Column("joins/s", ("connects", "joined_per_s"))

THROUGHPUT = (
    DELIVERIES[4],
    Column("client's CPU %", ("loop_4", "client_share"), scale=100, ratio=False),
    DELIVERIES[32],
    Column("client's CPU %", ("loop_32", "client_share"), scale=100, ratio=False),
    Column("CPU s per 100,000, 4 in flight", ("loop_4", "cpu_per_100k"), "{:,.2f}"),
)
LATENCY = (
    Column("p50 ms", ("paced", "p50_ms"), "{:,.1f}"),
    P99,
    Column("p50 ms from commit", ("committed", "p50_ms"), "{:,.1f}"),
    Column("p99 ms from commit", ("committed", "p99_ms"), "{:,.1f}"),
    CPU,
    MEMORY,
    Column("CPU % while idle", ("memory", "idle_cpu_share"), "{:,.1f}", 100, ratio=False),
)
CONNECTS = (
    Column("connects/s, first 1,000", ("connects", "first_per_s")),
    Column("connects/s", ("connects", "greeted_per_s")),
    JOINS,
)
PHASES = ("paced", "loop_4", "loop_32", "committed")


def value(found: Found, stack: str, count: int | None, column: Column) -> float | None:
    """The median over the rounds, as shown; None where nothing was measured."""
    phase, name = column.path
    seen = [run[phase][name] for run in runs(found, stack, count) if run.get(phase, {}).get(name) is not None]
    return statistics.median(seen) * column.scale if seen else None


def runs(found: Found, stack: str, count: int | None) -> list[Found]:
    return [run for run in found["runs"] if run["stack"] == stack and run["connections"] == count]


def faults(found: Found, stack: str, count: int | None) -> str:
    """What went wrong, all rounds together: losses, what did not come in time, a loop that stood still."""
    seen = runs(found, stack, count)
    phases = [(name, run[name]) for run in seen for name in PHASES if name in run]
    totals = {fault: sum(phase[fault] for _, phase in phases) for fault in ("losses", "duplicates", "closes")}
    told = [f"{number:,} {fault}" for fault, number in totals.items() if number]
    if late := sum(phase.get("missing", 0) for _, phase in phases):
        told.append(f"{late:,} not in time")
    if failures := sum(
        run[phase]["failures"] for run in seen for phase in ("memory", "connects") if phase in run
    ):
        told.append(f"{failures:,} did not join")
    told += [f"{name.replace('_', ' of ')} not finished" for name, phase in phases if phase["stalled"]]
    told += [f"failed: {run['failed'].splitlines()[0]}" for run in seen if "failed" in run]
    return ", ".join(dict.fromkeys(told)) or "none"


def disturbed(found: Found) -> list[str]:
    """Which phases of which runs had others on the server's core, and how much of it they took."""
    return [
        f"{run['stack']}, {run['connections']:,} connections, round {run['turn'] + 1}, {name}: "
        f"{run[name]['disturbed']:.0%}"
        for run in found["runs"]
        for name in PHASES
        if name in run and run[name]["disturbed"] > QUIET
    ]


def stacks(found: Found) -> list[str]:
    return list(dict.fromkeys(run["stack"] for run in found["runs"] if "missing" not in run))


def counts(found: Found) -> list[int]:
    return sorted({run["connections"] for run in found["runs"] if run["connections"] is not None})


def run_lines(run: Found) -> Iterator[str]:
    """One run, for whoever watches."""
    where = f"{run['connections']:,} connections" if run["connections"] else "connects"
    yield f"{run['stack']}, {where}, round {run['turn'] + 1} ({run['took_s']} s)"
    if told := run.get("missing"):
        yield f"    left out: {told}"
        return
    single = {"runs": [run]}
    for columns in (THROUGHPUT, LATENCY, CONNECTS):
        shown = [
            f"{column.title} {column.form.format(number)}"
            for column in columns
            if (number := value(single, run["stack"], run["connections"], column)) is not None
        ]
        if shown:
            yield f"    {'; '.join(shown)}"
    yield f"    faults: {faults(single, run['stack'], run['connections'])}"
    yield from (f"    others on the server's core: {line}" for line in disturbed(single))


def as_text(found: Found) -> str:
    """Every table, as Markdown."""
    parts = []
    for count in counts(found):
        parts += [
            _table(found, count, THROUGHPUT, f"Closed loop, {count:,} connections"),
            _table(found, count, LATENCY, f"10 events/s, {count:,} connections"),
        ]
    parts.append(_table(found, None, CONNECTS, "1,000 handshakes, 100 at a time"))
    if noise := disturbed(found):
        parts.append("Others on the server's core: " + "; ".join(noise) + "\n")
    return "\n".join(filter(None, parts))


def ratios(found: Found, count: int) -> str:
    """How many times Socket.IO's figure each has, at that number of connections."""
    room = (*DELIVERIES.values(), P99, CPU, MEMORY)
    titles = [column.title for column in (*room, *CONNECTS)]
    lines = [f"| {' | '.join(['', *titles])} |", "|---|" + "---:|" * len(titles)]
    for stack in stacks(found):
        pairs = [*((column, count) for column in room), *((column, None) for column in CONNECTS)]
        cells = [_ratio(found, stack, where, column) for column, where in pairs]
        lines.append(f"| {' | '.join([stack, *cells])} |")
    return "\n".join(lines) + "\n"


def _ratio(found: Found, stack: str, count: int | None, column: Column) -> str:
    number = value(found, stack, count, column)
    other = value(found, REFERENCE, count, column)
    return f"{number / other:,.2f}" if number is not None and other else "–"


def _table(found: Found, count: int | None, columns: Sequence[Column], title: str) -> str:
    rows = [stack for stack in stacks(found) if runs(found, stack, count)]
    shown = [
        column for column in columns if any(value(found, stack, count, column) is not None for stack in rows)
    ]
    if not rows:
        return ""
    lines = [
        f"| {' | '.join([title, *(column.title for column in shown), 'faults'])} |",
        "|---|" + "---:|" * len(shown) + "---|",
    ]
    for stack in rows:
        cells = [_cell(found, stack, count, column) for column in shown]
        lines.append(f"| {' | '.join([stack, *cells, faults(found, stack, count)])} |")
    return "\n".join(lines) + "\n"


def _cell(found: Found, stack: str, count: int | None, column: Column) -> str:
    number = value(found, stack, count, column)
    if number is None:
        return "–"
    text = column.form.format(number)
    other = value(found, REFERENCE, count, column) if column.ratio else None
    return f"{text} ({number / other:,.2f})" if other else text
