"""Positions, without a database: order is kept whatever is inserted where."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from projects import ordering


class Siblings:
    """A list in its server's order, and the positions that a client would sort by."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self.positions: dict[int, int] = {}

    def insert(self, index: int) -> int:
        """Put a new item at the index; returns how many positions changed."""
        item = len(self.order)
        above = self.positions[self.order[index - 1]] if index else None
        below = self.positions[self.order[index]] if index < len(self.order) else None
        self.order.insert(index, item)
        position = ordering.between(above, below)
        if position is not None:
            self.positions[item] = position
            return 1
        self.positions = dict(zip(self.order, ordering.spaced(len(self.order)), strict=True))
        return len(self.order)

    def sorted_by_position(self) -> list[int]:
        return sorted(self.positions, key=lambda item: self.positions[item])


def test_ten_thousand_inserts_at_one_spot_keep_their_order():
    siblings = Siblings()
    for _ in range(3):
        siblings.insert(0)
    changed = sum(siblings.insert(1) for _ in range(10_000))
    assert siblings.sorted_by_position() == siblings.order
    assert changed < 10_000 * 200, "a re-spacing must be rare"


def test_ten_thousand_inserts_at_the_top_and_at_the_bottom_never_re_space():
    siblings = Siblings()
    for _ in range(10_000):
        assert siblings.insert(0) == 1
        assert siblings.insert(len(siblings.order)) == 1
    assert siblings.sorted_by_position() == siblings.order


@given(st.lists(st.floats(0, 1), max_size=300))
@settings(max_examples=60, deadline=None)
def test_client_and_server_agree_on_the_order_after_any_inserts(places: list[float]):
    siblings = Siblings()
    for place in places:
        siblings.insert(round(place * len(siblings.order)))
    assert siblings.sorted_by_position() == siblings.order


positions = st.integers(-ordering.LIMIT, ordering.LIMIT)


@given(positions, positions)
def test_a_position_stands_strictly_between_its_neighbours_and_within_the_limit(one: int, other: int):
    above, below = sorted((one, other))
    found = ordering.between(above, below)
    assert found is None if below - above < 2 else found is not None and above < found < below


@given(st.none() | positions, st.none() | positions)
def test_no_position_is_beyond_what_a_javascript_number_holds(above: int | None, below: int | None):
    found = ordering.between(above, below)
    assert found is None or -ordering.LIMIT <= found <= ordering.LIMIT


@given(st.integers(0, 5_000))
@settings(max_examples=30)
def test_re_spaced_positions_rise_with_room_between_all(count: int):
    spaced = ordering.spaced(count)
    assert len(spaced) == count
    assert all(below - above >= 2**16 for above, below in pairwise(spaced))


def test_even_a_column_of_millions_has_room_between_its_positions():
    count = 2**21
    spaced = ordering.spaced(count)
    assert spaced[1] - spaced[0] >= 2**16
    assert spaced[-1] <= ordering.LIMIT


def test_equal_positions_have_no_room_between_them():
    assert ordering.between(5, 5) is None
