"""Who says nothing is asked for a sign of life, and closed only where none comes."""

import time
from collections.abc import Callable
from dataclasses import replace

from realtime.policy import Policy
from realtime.protocol import CloseCode
from realtime.rounds import Rounds
from realtime.wire import PING
from tests.realtime.hub_rig import Reader, Rig, WiredReader, run


class Quiet(WiredReader):
    """A socket that has said nothing for so many seconds; `pings` counts those that it got."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.pings = 0
        self.wire.write = self._count
        self.connection.wake()
        self.connection.last_frame_at = time.monotonic() - seconds
        self.connection.heartbeat_at = time.monotonic()

    def _count(self, frames: bytes) -> None:
        assert frames == PING
        self.pings += 1

    @property
    def is_closed(self) -> bool:
        closing = self.connection.closing
        return closing is not None and closing.code == CloseCode.IDLE

    def answer(self) -> None:
        self.connection.last_frame_at = time.monotonic()


def rounds(rig: Rig, idle_timeout: float, *readers: Reader) -> Callable[[], None]:
    """One round of the sockets with that time-out in force."""
    policy: Policy = replace(rig.gateway.policy, idle_timeout=idle_timeout)
    connections = {reader.connection.id: reader.connection for reader in readers}
    made = Rounds(connections, rig.hub, lambda: policy)
    return lambda: run(made.go())


def test_a_quiet_client_is_asked_after_a_third_of_the_time_out_in_force(rig: Rig) -> None:
    """Operators may set it to a minute; who only listens, and answers pings, must not lose the place."""
    lately, quiet = Quiet(10), Quiet(25)
    rounds(rig, 60, lately, quiet)()
    assert (lately.pings, quiet.pings) == (0, 1)


def test_nobody_is_asked_oftener_than_needed_where_the_time_out_is_long(rig: Rig) -> None:
    quiet, quieter = Quiet(85), Quiet(95)
    rounds(rig, 3600, quiet, quieter)()
    assert (quiet.pings, quieter.pings) == (0, 1)


def test_a_time_out_that_is_made_shorter_closes_nobody_who_was_not_asked(rig: Rig) -> None:
    alive, dead = Quiet(80), Quiet(80)
    go = rounds(rig, 60, alive, dead)
    go()
    alive.answer()
    dead.connection.asked_at -= 25  # so long ago, by now
    go()
    assert not alive.is_closed
    assert dead.is_closed


def test_who_has_just_been_asked_has_time_to_answer(rig: Rig) -> None:
    """An answer by a slow network may take more than the second until the next round."""
    quiet = Quiet(80)
    go = rounds(rig, 60, quiet)
    go()
    go()
    assert not quiet.is_closed


def test_a_ping_is_no_frame_of_ours_in_the_audit(rig: Rig) -> None:
    quiet = Quiet(95)
    rounds(rig, 300, quiet)()
    assert (quiet.pings, quiet.connection.frames_out, quiet.connection.bytes_out) == (1, 0, 0)
