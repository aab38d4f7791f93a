"""What waits for its turn: bounded, and given out as it came."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from realtime.early import Early
from realtime.eventlog import Event
from tests.realtime.hub_rig import Bells, Reader, Rig, run


def event(seq: int, size: int = 1) -> Event:
    return Event(seq, "note:written", "x" * size, datetime.now(UTC))


@given(st.lists(st.tuples(st.sampled_from(["put", "take", "drop"]), st.integers(1, 12), st.integers(1, 40))))
def test_it_never_holds_more_than_its_bounds_and_counts_what_it_holds(
    steps: list[tuple[str, int, int]],
) -> None:
    early = Early(most=5, most_characters=100)
    for name, seq, size in steps:
        match name:
            case "put":
                early.put(event(seq, size))
            case "take":
                found = early.take(seq)
                assert found is None or found.seq == seq
            case _:
                early.drop_until(seq)
        assert len(early) <= 5
        assert early.size == sum(len(each.envelope) for each in early._events.values()) <= 100


def test_what_found_no_room_comes_from_the_log(rig: Rig, bells: Bells) -> None:
    """Large ones of which the first is missing: a room may not hold them all until the hole is filled."""

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        state = await rig.hub.open(rig.room)
        state.early = Early(most_characters=5000)
        await rig.write(50, size=1000)
        for seq in range(2, 51):
            rig.ring(seq)
        assert 0 < state.early.size <= 5000
        rig.ring(1)
        await rig.settle(reader)
        assert reader.seqs == list(range(1, 51))
        assert state.early.size == 0

    run(story())
