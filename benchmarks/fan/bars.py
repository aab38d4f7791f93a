"""Panels of horizontal bars as one SVG, readable on light and on dark ground."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, MARGIN, GAP = 960, 24, 32
PANELS_A_ROW = 2
PANEL_WIDTH = (WIDTH - 2 * MARGIN - GAP) // PANELS_A_ROW
HEAD, TITLE, ROW, BAR, FOOT = 56, 44, 22, 14, 36
NAME_WIDTH, NUMBER_WIDTH = 166, 72  # beside the bar, in pixels

STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .head { font-size: 17px; font-weight: 600 }
  .title { font-weight: 600 }
  .note, .number { fill: #59636e; font-size: 12px }
  .ground { fill: #ffffff }
  .bar { fill: #8c959f }
  .bar.own { fill: #0969da }
  .name.own { font-weight: 600 }
  .cut { stroke: #ffffff; stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note, .number { fill: #9198a1 }
    .ground { fill: #0d1117 }
    .bar { fill: #656c76 }
    .bar.own { fill: #4493f8 }
    .cut { stroke: #0d1117 }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    value: float | None
    text: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """`most` is where bars end that would go beyond it: they are drawn with a cut."""

    title: str
    note: str
    bars: Sequence[Bar]
    most: float | None = None

    @property
    def height(self) -> int:
        return TITLE + ROW * len(self.bars)


def svg(head: str, note: str, panels: Sequence[Panel]) -> str:
    """The whole picture; `note` stands at its foot."""
    parts, top = [], HEAD
    for start in range(0, len(panels), PANELS_A_ROW):
        row = panels[start : start + PANELS_A_ROW]
        for place, panel in enumerate(row):
            parts += _panel(panel, MARGIN + place * (PANEL_WIDTH + GAP), top)
        top += max(panel.height for panel in row) + GAP // 2
    height = top + FOOT
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>',
            f"<title>{escape(head)}</title>",
            f"<style>{STYLE}</style>",
            f'<rect class="ground" width="{WIDTH}" height="{height}" rx="8"/>',
            _text(MARGIN, 34, head, "head"),
            *parts,
            _text(MARGIN, height - 16, note, "note"),
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, left: int, top: int) -> list[str]:
    seen = [bar.value for bar in panel.bars if bar.value is not None]
    most = min(max(seen, default=0.0), panel.most or float("inf")) or 1.0
    room = PANEL_WIDTH - NAME_WIDTH - NUMBER_WIDTH
    parts = [_text(left, top + 14, panel.title, "title"), _text(left, top + 31, panel.note, "note")]
    for number, bar in enumerate(panel.bars):
        parts += _bar(bar, left, top + TITLE + ROW * number, room, most)
    return parts


def _bar(bar: Bar, left: int, top: int, room: int, most: float) -> list[str]:
    own = " own" if bar.own else ""
    width = max(1.0, room * min(bar.value or 0.0, most) / most)
    start, middle = left + NAME_WIDTH, top + BAR - 3
    parts = [
        _text(left, middle, bar.name, f"name{own}"),
        _text(start + width + 6, middle, bar.text, "number"),
    ]
    if bar.value is not None:
        parts.append(
            f'<rect class="bar{own}" x="{start}" y="{top}" width="{width:.1f}" height="{BAR}" rx="2"/>'
        )
        if bar.value > most:
            cut = start + width - 14
            parts.append(f'<path class="cut" d="M{cut:.0f} {top + BAR + 2}l6 -{BAR + 4}"/>')
    return parts


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(text)}</text>'
