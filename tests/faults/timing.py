"""How long things took, from what a replica has noted: all in seconds of the monotonic clock."""

from collections.abc import Iterable

from tests.faults.replica import Replica


def convergence(replica: Replica, seq: int, since: float) -> tuple[float, float]:
    """From `since` until the client was connected, and from then until it had everything up to `seq`.

    Its connection is the one by which it got there; infinity where it never did.
    """
    reached = replica.reached_at(seq)
    if reached <= since:
        return 0.0, 0.0
    connected = max(since, replica.connected_from(reached))
    return connected - since, reached - connected


def slowest_delivery(replica: Replica, answered: Iterable[tuple[int, float]]) -> float:
    """The longest wait for one of these (seq, when it was answered), by one connection all the while."""
    slowest = 0.0
    for seq, at in answered:
        reached = replica.reached_at(seq)
        if replica.was_connected(at, reached):
            slowest = max(slowest, reached - at)
    return slowest
