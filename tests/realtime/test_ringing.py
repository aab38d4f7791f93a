"""What waits for the channel layer: bounded, never sent too late to be of use, canaries before all else."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import REGISTRY

from realtime.ringing import (
    BREAK_SECONDS,
    OUTGOING_CHARACTERS,
    OUTGOING_MESSAGES,
    STALE_SECONDS,
    Message,
    Ringer,
)
from tests.realtime.hub_rig import run
from tests.support.waiting import until


class Layer:
    """Takes a message whenever the test lets it. Time stands still but for what the test adds to `now`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.taken: list[Any] = []
        self.may_take = asyncio.Semaphore(0)
        self.ringer = Ringer(self._send, clock=lambda: self.now)

    async def _send(self, group: str, message: Message) -> bool:
        self.taken.append(message["seq"])
        await self.may_take.acquire()
        return True

    async def __aenter__(self) -> "Layer":
        self._work = asyncio.create_task(self.ringer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)

    async def take(self, count: int = 1) -> None:
        for _ in range(count):
            self.may_take.release()
        await until(lambda: self.may_take.locked() or self.ringer._empty.is_set())


def event(seq: int, size: int = 1) -> Message:
    return {"kind": "event", "seq": seq, "envelope": "x" * size}


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("websocket_bell_dropped_total", {"reason": reason}) or 0.0


def test_a_canary_waits_for_no_event() -> None:
    async def story() -> None:
        async with Layer() as layer:
            for seq in range(100):
                layer.ringer.ring("room", event(seq))
            await until(lambda: layer.taken)
            layer.ringer.ring_first("canary", {"kind": "canary", "seq": "canary"})
            await layer.take(3)
            await until(lambda: len(layer.taken) == 4)
            assert layer.taken == [0, "canary", 1, 2]

    run(story())


def test_events_that_the_log_has_told_by_now_are_not_sent_any_more() -> None:
    """Behind a slow server they would come later and later. What no log tells is sent all the same."""
    before = dropped("stale")

    async def story() -> None:
        async with Layer() as layer:
            for seq in range(50):
                layer.ringer.ring("room", event(seq))
            layer.ringer.ring("gateways", {"kind": "order", "seq": "order"})
            await until(lambda: layer.taken)
            layer.now += STALE_SECONDS + 0.1
            layer.ringer.ring("room", event(50))
            await layer.take(3)
            await asyncio.wait_for(layer.ringer.emptied(), 5)
            assert layer.taken == [0, "order", 50]
            assert layer.ringer._size == 0

    run(story())
    assert dropped("stale") == before + 49


def test_what_waits_is_bounded_in_number_and_in_size() -> None:
    before = dropped("full")

    async def story() -> None:
        layer = Layer()
        for seq in range(OUTGOING_MESSAGES + 10):
            layer.ringer.ring("room", event(seq))
        assert len(layer.ringer._outgoing) == OUTGOING_MESSAGES
        large = OUTGOING_CHARACTERS // 10
        for seq in range(30):
            layer.ringer.ring("room", event(seq, large))
        assert len(layer.ringer._outgoing) < 10
        assert large < layer.ringer._size <= OUTGOING_CHARACTERS
        assert layer.ringer._outgoing[-1].message["seq"] == 29, "the oldest goes"

    run(story())
    assert dropped("full") > before + 10


def test_a_layer_that_fails_is_tried_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is the loop's own, turned on by hand."""
    tries: list[float] = []
    now = 0.0
    answers = [False] * 5 + [True]

    async def send(group: str, message: Message) -> bool:
        tries.append(now)
        return answers[min(len(tries), len(answers)) - 1]

    async def story() -> None:
        nonlocal now
        ringer = Ringer(send, longest_break=4.0)
        monkeypatch.setattr(asyncio, "sleep", slept)
        work = asyncio.ensure_future(ringer.run())
        for _ in range(16):
            ringer.ring("group", {})
            ringer.ring("group", {})
            for _ in range(5):
                await turn(0)
            now += 1
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        gaps = [later - earlier for earlier, later in pairwise(tries[:6])]
        assert gaps == [1, 2, 4, 4, 4]
        assert len(ringer._outgoing) == 0

    turn = asyncio.sleep

    async def slept(seconds: float) -> None:
        end = now + seconds
        while now < end:
            await turn(0)

    assert BREAK_SECONDS == 1
    run(story())
