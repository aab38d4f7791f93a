"""Readers and their queues: a burst of ours cuts nobody who reads, and who does not read is cut off soon."""

import asyncio
from collections.abc import Callable

import pytest

from realtime import replay
from realtime.connection import QUEUE_BYTES, QUEUE_FRAMES
from realtime.protocol import CloseCode, frame
from tests.realtime.hub_rig import Bells, Reader, Rig, TakingTurns, run
from tests.support.waiting import until

COUNT, LARGE = 100, 20_000  # twice what a queue holds
HUGE = 2 * QUEUE_BYTES


class Trickling(Reader):
    """Reads, but a frame at a time and far more slowly than events come."""

    def __init__(self) -> None:
        super().__init__(slow=True)

    def take_one(self) -> None:
        self.slow = False
        taken = self.connection.outbox.take()
        if taken is not None:
            self.read(taken)
        self.slow = True
        asyncio.get_running_loop().call_later(0.05, self.take_one)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who does not read is cut off sooner than in earnest."""
    monkeypatch.setattr(replay, "STALL_SECONDS", 0.3)


def cut_off(reader: Reader) -> bool:
    closing = reader.connection.closing
    return closing is not None and closing.code == CloseCode.TOO_SLOW


# --- Who reads ------------------------------------------------------------------------------------


def test_a_client_that_was_away_for_more_than_its_queue_holds_becomes_level(rig: Rig) -> None:
    """Cut off in the midst of its replay it would come back with the same `since`, for ever."""

    async def story() -> None:
        await rig.create()
        await rig.write(COUNT, size=LARGE)
        reader = TakingTurns()
        await rig.join(reader, since=0)
        await rig.settle(reader)
        assert reader.seqs == list(range(1, COUNT + 1))
        assert reader.connection.closing is None
        assert reader.most_queued < QUEUE_BYTES
        await rig.write()
        rig.ring(COUNT + 1)
        await until(lambda: len(reader.seqs) > COUNT)
        assert reader.seqs[-1] == COUNT + 1

    run(story())


async def by_the_bell(rig: Rig) -> None:
    for seq in range(1, COUNT + 1):
        rig.ring(seq)


async def by_the_log(rig: Rig) -> None:
    await rig.hub.check_heads()


async def by_the_log_once_the_last_has_rung(rig: Rig) -> None:
    for seq in range(2, COUNT + 1):
        rig.ring(seq)


@pytest.mark.parametrize("heard", [by_the_bell, by_the_log, by_the_log_once_the_last_has_rung])
def test_a_burst_cuts_no_member_that_reads(rig: Rig, heard: Callable[[Rig], object]) -> None:
    """However it is heard, it comes in fewer turns of the loop than the sockets need to take it."""

    async def story() -> None:
        await rig.create()
        readers = [TakingTurns() for _ in range(20)]
        for reader in readers:
            await rig.join(reader)
        await rig.write(COUNT, size=LARGE)
        await heard(rig)  # type: ignore[misc]
        await rig.settle(*readers)
        await rig.write()
        rig.ring(COUNT + 1)
        await rig.settle(*readers)
        for reader in readers:
            assert reader.connection.closing is None
            assert reader.seqs == list(range(1, COUNT + 2))
            assert reader.most_queued < QUEUE_BYTES

    run(story())


def test_several_rooms_of_one_socket_share_its_queue(rig: Rig, bells: Bells) -> None:
    async def story() -> None:
        rigs = [Rig(bells) for _ in range(5)]
        reader = TakingTurns()
        for each in rigs:
            each.gateway, each.hub = rig.gateway, rig.hub
            each.room = type(each.room)(rig.room.kind, each.room.id)
            await each.create()
            await each.write(40, size=LARGE)
            await each.join(reader, since=0)
        await until(lambda: len(reader.seqs) == 200)
        assert reader.connection.closing is None
        assert sorted(reader.seqs) == sorted(5 * list(range(1, 41)))
        assert reader.most_queued < QUEUE_BYTES

    run(story())


@pytest.mark.parametrize("since", [None, 0])
def test_an_event_larger_than_a_queue_gets_through(rig: Rig, since: int | None) -> None:
    async def story() -> None:
        await rig.create()
        reader = TakingTurns()
        if since is None:
            await rig.join(reader)
        for size in (HUGE, 1, HUGE):
            await rig.write(size=size)
        if since is not None:
            await rig.join(reader, since)
        for seq in (1, 2, 3):
            rig.ring(seq)
        await rig.settle(reader)
        assert reader.seqs == [1, 2, 3]
        assert reader.connection.closing is None

    run(story())


def test_one_that_reads_slowly_but_reads_is_not_cut_off(rig: Rig, impatient: None) -> None:
    """A telephone in a tunnel: as long as it takes frames it gets them, from the log."""

    async def story() -> None:
        await rig.create()
        reader = Trickling()
        await rig.join(reader)
        reader.take_one()
        await rig.write(60, size=LARGE)
        for seq in range(1, 61):
            rig.ring(seq)
        await rig.settle(reader)
        assert reader.seqs == list(range(1, 61))
        assert reader.connection.closing is None

    run(story())


# --- Who does not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, LARGE])
@pytest.mark.parametrize("since", [None, 0])
def test_one_that_does_not_read_is_cut_off_and_holds_up_nobody(
    rig: Rig, impatient: None, since: int | None, size: int
) -> None:
    async def story() -> None:
        await rig.create()
        count = COUNT if size == LARGE else QUEUE_FRAMES
        slow, quick = Reader(slow=True), TakingTurns()
        await rig.join(quick)
        if since is None:
            await rig.join(slow)
        await rig.write(count, size=size)
        if since is not None:
            await rig.settle(quick)
            await rig.join(slow, since)
        for seq in range(1, count + 1):
            rig.ring(seq)
            assert slow.connection.outbox._bytes < QUEUE_BYTES
            assert len(slow.connection.outbox) < QUEUE_FRAMES
        await rig.settle(quick)
        assert quick.seqs == list(range(1, count + 1))
        await until(lambda: cut_off(slow))
        assert cut_off(slow)
        assert len(slow.connection.outbox) == 0
        await until(lambda: not rig.hub._replays._running)
        assert not rig.hub._replays._running

    run(story())


def test_one_that_only_asks_and_reads_no_answer_is_cut_off(rig: Rig) -> None:
    """Answers are no events: nothing tells them again, so they are never held back."""

    async def story() -> None:
        await rig.create()
        slow = Reader(slow=True)
        await rig.join(slow)
        for _ in range(QUEUE_FRAMES):
            assert slow.connection.send(frame("ack", {}))
        assert not slow.connection.send(frame("ack", {}))
        assert cut_off(slow)

    run(story())


def test_a_replay_ends_with_its_seat(rig: Rig) -> None:
    """What waits for room in the queue of a socket that is gone would wait for ever."""

    async def story() -> None:
        await rig.create()
        await rig.write(COUNT, size=LARGE)
        slow = Reader(slow=True)
        await rig.join(slow, since=0)
        await until(lambda: not slow.connection.outbox.takes_events)
        assert rig.hub._replays._running
        for seat in list(slow.connection.seats.values()):
            rig.gateway.leave(seat)
        assert not rig.hub._replays._running
        queued = len(slow.connection.outbox)
        slow.slow = False
        slow.take_all()
        await rig.write()
        rig.ring(COUNT + 1)
        assert slow.seqs == list(range(1, queued + 1))

    run(story())
