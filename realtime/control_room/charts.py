"""Small charts as SVG, drawn on the server: a line over an hour, its scale and its newest value in words."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 240
HEIGHT = 48
PADDING = 3


@dataclass(frozen=True, slots=True)
class Chart:
    """What a template draws. `line` are SVG points, one run for each stretch without a gap."""

    title: str
    value: str
    peak: str
    lines: list[str]
    area: str
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def described(self) -> str:
        """The chart for who does not see it."""
        return f"{self.title}: {self.value} now, {self.peak} at the most in the last hour"


def chart(title: str, values: Sequence[float | None], unit: str = "", digits: int = 0) -> Chart:
    """The values from the oldest to the newest; None where nothing is known."""
    known = [value for value in values if value is not None]
    peak = max(known, default=0.0)
    step = (WIDTH - 2 * PADDING) / max(1, len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            share = value / peak if peak else 0.0
            runs[-1].append((PADDING + place * step, HEIGHT - PADDING - share * (HEIGHT - 2 * PADDING)))
    drawn = [run if len(run) > 1 else [(run[0][0] - 1, run[0][1]), *run] for run in runs if run]
    return Chart(
        title,
        _shown(known[-1], unit, digits) if values and values[-1] is not None else "—",
        _shown(peak, unit, digits) if known else "—",
        [_points(run) for run in drawn],
        " ".join(_closed(run) for run in drawn),
    )


def _points(run: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in run)


def _closed(run: Sequence[tuple[float, float]]) -> str:
    """The path under a run, down to the base line."""
    base = HEIGHT - PADDING
    first, last = run[0], run[-1]
    top = " ".join(f"L{x:.1f},{y:.1f}" for x, y in run)
    return f"M{first[0]:.1f},{base} {top} L{last[0]:.1f},{base} Z"


def _shown(value: float, unit: str, digits: int) -> str:
    return f"{value:,.{digits}f}{unit and ' ' + unit}"
