"""Whatever frames and requests come in whatever order: nothing fails, and nobody else notices."""

from functools import partial
from typing import Any

from hypothesis.stateful import run_state_machine_as_test

from tests.fuzz.conftest import Effort
from tests.fuzz.machine import Sequences
from tests.fuzz.world import World

MOST_FOR_EACH = 4096  # bytes


def test_no_sequence_of_frames_and_requests_is_too_odd(world: World, effort: Effort) -> None:
    """What two thirds of them add to the memory is no more than a few kilobytes for each."""
    machine: Any = partial(Sequences, world)
    for short, long in ((3, 100), (5, 200)):
        cases, memory = world.cases, world.memory()
        chosen = effort.settings(short, long, stateful_step_count=25)
        run_state_machine_as_test(machine, settings=chosen)
    if effort.long:
        assert (world.memory() - memory) / (world.cases - cases) < MOST_FOR_EACH
