"""How long a board of 2,000 tasks keeps people waiting, in Chromium at 1440 x 900.

    .venv/bin/python -m benchmarks.browser_board [--tasks N] [--runs N] [--seconds N] [--rate N] [--missed N]

Starts PostgreSQL, Redis, one gateway and a writer, all on this machine, and stops them.

*opening*   from the start of the navigation until each card is painted, and until the badge reads Live, too;
            with an empty cache in a new window, and once more in the same window
*live*      so many events a second by somebody else, for some seconds: frames and tasks of the page's main
            thread, from a trace; on the board alone, beside an open task, and with words in the filter
*catch-up*  a window that was offline comes back while so many later events wait: from the browser's "online"
            until the board shows the last of them, painted

After the last two each card is compared with the server's board. Before each measurement the machine has to
be quiet for half a second; at most two minutes are waited for that.

The table shows the median and the worst of the runs, the whole goes to benchmarks/results/browser.json.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.browser_stage import Stage, wait_for_quiet
from benchmarks.browser_trace import CATEGORIES, LONG_MS, Frames, frames_of
from tests.support.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "browser.json"
Measures = dict[str, list[float]]

# What a person has on the page meanwhile: a script that brings it there, and one that takes it away.
FILTER = """words => {
  const box = document.querySelector("#filter");
  box.value = words;
  box.dispatchEvent(new Event("input"));
}"""
VIEWS = {
    "live": ("", ""),
    "live, a task open": ("document.querySelector('.card-link').click()", "history.back()"),
    "live, filtered": (f"({FILTER})('server')", f"({FILTER})('')"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--missed", type=int, default=10_000)
    parser.add_argument("--only", choices=("opening", *VIEWS, "catch-up"))
    parser.add_argument(
        "--slower", type=float, default=1, help="slow the page's processor down so many times"
    )
    given = parser.parse_args()
    with Stage(given.tasks, given.slower) as stage:
        parts: dict[str, Callable[[], Measures]] = {
            "opening": lambda: opening(stage, given.runs),
            **{view: partial(live, stage, view, given.runs, given.rate, given.seconds) for view in VIEWS},
            "catch-up": lambda: catch_up(stage, given.runs, given.missed),
        }
        found = {name: part() for name, part in parts.items() if given.only in (None, name)}
        conditions = {**vars(given), "chromium": stage.browser.version, "cores": os.cpu_count()}
    report(found)
    if given.only is None and given.slower == 1:
        keep(conditions, found)


def opening(stage: Stage, runs: int) -> Measures:
    """Each page load's times, by name; one load before them warms the server up."""
    found: Measures = {}
    for run in range(runs + 1):
        window = stage.window()
        for cache in ("empty", "filled"):
            wait_for_quiet()
            times = stage.open(window)
            if run:
                add(found, {f"{name}, cache {cache}": value for name, value in times.items()})
        window.close()
    return found


def live(stage: Stage, view: str, runs: int, rate: float, seconds: float) -> Measures:
    found: Measures = {}
    enter, leave = VIEWS[view]
    window = stage.window()
    stage.open(window)
    for run in range(runs):
        window.run(enter)
        wait_for_quiet()
        stage.browser.start_tracing(CATEGORIES)
        written = stage.write("live", rate=rate, seconds=seconds, seed=100 + run)
        stage.show_all(window, f"The end of run {run}, says the server")
        frames = frames_of(stage.browser.stop_tracing())
        late = written["late"] * 1000
        add(found, {"events": written["events"], "the writer's delay": late, **facts(frames)})
        window.run(leave)
        stage.compare(window)
    window.close()
    return found


def facts(frames: Frames) -> dict[str, float]:
    return {
        "frames": len(frames.frames),
        f"frames over {LONG_MS} ms": frames.long,
        "frame, median": statistics.median(frames.frames),
        "frame, 95th percentile": statistics.quantiles(frames.frames, n=20)[-1],
        "frame, longest": max(frames.frames),
        "task, longest": max(frames.tasks),
        "task, longest by processor time": max(frames.processor),
        f"tasks beyond {LONG_MS} ms, summed": frames.blocked,
    }


def catch_up(stage: Stage, runs: int, missed: int) -> Measures:
    """All windows go offline at the same seq; they come back one after the other."""
    found: Measures = {}
    windows = [stage.window() for _ in range(runs)]
    for window in windows:
        stage.open(window)
        window.go_offline()
    stage.write("many", events=missed - 1, seed=999)
    last = stage.finish("The last of them")
    for window in windows:
        window.run(f"probe.catchUp({last['task']!r}, {last['title']!r})")
        wait_for_quiet()
        window.go_online()
        add(found, window.run("probe.caughtUp"))
        stage.compare(window)
        window.close()
    return found


def add(found: Measures, values: dict[str, float]) -> None:
    for name, value in values.items():
        found.setdefault(name, []).append(value)


def report(found: dict[str, Measures]) -> None:
    for part, measures in found.items():
        sys.stdout.write(f"\n{part:40} {'median':>10} {'worst':>10}\n")
        for name, values in measures.items():
            sys.stdout.write(f"  {name:38} {statistics.median(values):10.0f} {max(values):10.0f}\n")


def keep(conditions: dict[str, Any], found: dict[str, Measures]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    when = datetime.now(UTC).date().isoformat()
    rounded = {
        part: {name: [round(value, 1) for value in values] for name, values in measures.items()}
        for part, measures in found.items()
    }
    RESULTS.write_text(json.dumps({"measured": when, **conditions, **rounded}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
