"""Where an item stands among its siblings: wide-gapped integers, sorted by `(position, id)`.

The server alone chooses positions, under the room's lock, so no two movers can collide.
Pure: no I/O, no rows; `projects.services.placing` feeds it.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

# Room for 32 inserts at one spot before a column must be re-spaced, and for two million tasks
# side by side within LIMIT.
GAP: Final = 2**32
# The largest integer that a JavaScript number holds exactly; clients sort by these.
LIMIT: Final = 2**53 - 1


class Place(Enum):
    """A place named without a neighbour. `after: null` on the wire, the top, is None."""

    BOTTOM = "bottom"


BOTTOM: Final = Place.BOTTOM


def between(above: int | None, below: int | None) -> int | None:
    """The position of an item put between two neighbours; None for a neighbour: there is none.

    None as the answer means that the gap is used up and the siblings must be re-spaced.
    """
    if above is None:
        position = 0 if below is None else below - GAP
    elif below is None:
        position = above + GAP
    else:
        position = (above + below) // 2
        if not above < position < below:
            return None
    return position if -LIMIT <= position <= LIMIT else None


def spaced(count: int) -> list[int]:
    """Positions for `count` items with even gaps, the first at 0."""
    gap = min(GAP, LIMIT // max(count, 1))
    return [index * gap for index in range(count)]
