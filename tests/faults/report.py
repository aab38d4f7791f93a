"""The table of a run: what was done to the service, and what it cost."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.trial import Line

TABLE = Path("test-results/chaos.md")
PAGE = Path("docs/guarantees.md")
BEGIN, END = "<!-- the last table: begin -->\n", "<!-- the last table: end -->\n"
HEAD = (
    "| fault | injected | writes answered / unknown | events | lost | doubled | slowest convergence"
    " | slowest write | growth of a gateway | trace |"
)
RULE = "|---|---|--:|--:|--:|--:|--:|--:|--:|---|"


def write_report(lines: Sequence["Line"], seed: int, whole: bool) -> None:
    """A row a trial, in the order in which they ran; of the `whole` set, put into the page too."""
    failed = sum(not line.passed for line in lines)
    about = (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}, {len(lines)} trials, {failed} failed, "
        f"Python {platform.python_version()}."
    )
    table = "\n".join([about, "", HEAD, RULE, *map(_row, lines), ""])
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table, encoding="utf-8")
    if whole:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")


def _row(line: "Line") -> str:
    traces = ", ".join(f"`{name}` +{value:g}" for name, value in line.traces.items())
    cells = [
        line.fault + ("" if line.passed else " **(failed)**"),
        line.injected,
        f"{line.writes} / {line.unknown}",
        str(line.events),
        str(line.lost),
        str(line.doubled),
        f"{line.slowest:.2f} s",
        f"{line.write:.2f} s",
        f"{line.memory / 2**20:.0f} MiB",
        traces,
    ]
    return f"| {' | '.join(cells)} |"
