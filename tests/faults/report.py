"""The table of a run: what was done to the service, and what it cost."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.trial import Line

TABLE = Path("test-results/chaos.md")
BEGIN, END = "<!-- the last runs: begin -->\n", "<!-- the last runs: end -->\n"
KEPT_RUNS = 3
HEAD = (
    "| fault | injected | writes answered / unknown | events | lost | doubled | back | slowest convergence"
    " | slowest delivery | slowest write | growth of a gateway | trace |"
)
RULE = "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|"


def write_report(lines: Sequence["Line"], seed: int, page: Path | None) -> None:
    """A row a trial, in the order in which they ran; `page` shows it in place of the last."""
    table = "\n".join([HEAD, RULE, *map(_row, lines), ""])
    run = f"- {_summary(lines, seed)}"
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(f"{run}\n\n{table}", encoding="utf-8")
    if page is not None:
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        last, _, after = rest.partition(END)
        runs = [run, *(line for line in last.splitlines() if line.startswith("- "))][:KEPT_RUNS]
        shown = "\n".join([*runs, "", table])
        page.write_text(f"{before}{BEGIN}{shown}{END}{after}", encoding="utf-8")


def _summary(lines: Sequence["Line"], seed: int) -> str:
    failed = sum(not line.passed for line in lines)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, seed {seed}: {len(lines)} trials, {failed} failed; "
        f"{sum(line.writes for line in lines)} writes answered, {sum(line.lost for line in lines)} lost, "
        f"{sum(line.doubled for line in lines)} doubled; "
        f"slowest convergence {max((line.slowest for line in lines), default=0):.2f} s"
    )


def _row(line: "Line") -> str:
    traces = ", ".join(f"`{name}` +{value:g}" for name, value in line.traces.items())
    cells = [
        line.fault + ("" if line.passed else " **(failed)**"),
        line.injected,
        f"{line.writes} / {line.unknown}",
        str(line.events),
        str(line.lost),
        str(line.doubled),
        f"{line.back:.1f} s",
        f"{line.slowest:.2f} s",
        f"{line.delivery:.2f} s",
        f"{line.write:.2f} s",
        f"{line.memory / 2**20:.0f} MiB",
        traces,
    ]
    return f"| {' | '.join(cells)} |"
