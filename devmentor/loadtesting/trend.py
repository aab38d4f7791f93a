"""Whether something keeps growing: a robust slope, and how likely chance alone would show as much."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from statistics import median

SURE = 0.001
"""Below this probability it is not chance: one healthy run in a thousand is called growing."""
LEAST_VALUES = 7  # with fewer not even a straight line is so sure: 1/6! is 0.0014


@dataclass(frozen=True, slots=True)
class Trend:
    """`slope`: growth from one value to the next. `chance`: how likely so steady a rise is where the true one
    is `threshold` or less.
    """

    slope: float
    threshold: float
    chance: float

    @property
    def is_growing(self) -> bool:
        return self.chance < SURE


def trend(values: Sequence[float], threshold: float) -> Trend:
    """Judge values taken at even steps.

    The slope is Theil and Sen's: the median of those between all pairs, which a jump or two do not move.
    The verdict is Mann and Kendall's test of the values, less `threshold` for each step: how many of all
    pairs rise, against what values in random order would show. It asks nothing of how they are scattered,
    and one large step, as an allocator takes it, does not pass for a rise.
    (Sen 1968, JASA 63; Mann 1945, Econometrica 13.)
    """
    pairs = list(combinations(enumerate(values), 2))
    slopes = [(later - earlier) / (j - i) for (i, earlier), (j, later) in pairs]
    rising = sum((slope > threshold) - (slope < threshold) for slope in slopes)
    return Trend(median(slopes), threshold, chance_of(rising, len(values)))


def chance_of(rising: int, count: int) -> float:
    """How likely `count` values in random order have at least so many rising pairs more than falling ones."""
    orders = [1]  # by the number of falling pairs
    for size in range(2, count + 1):
        orders = [
            sum(orders[max(0, falling - size + 1) : falling + 1]) for falling in range(len(orders) + size - 1)
        ]
    pairs = count * (count - 1) // 2
    return sum(number for falling, number in enumerate(orders) if pairs - 2 * falling >= rising) / factorial(
        count
    )
