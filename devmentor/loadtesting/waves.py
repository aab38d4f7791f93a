"""Waves of clients that come, listen and go, and the memory that the gateway holds after each."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from django.core.management.base import CommandError

from devmentor.loadtesting import gateway
from devmentor.loadtesting.arrivals import Arrivals
from devmentor.loadtesting.board import Board, board_of
from devmentor.loadtesting.client import Place
from devmentor.loadtesting.crowd import Crowd
from devmentor.loadtesting.gateway import Reading
from devmentor.loadtesting.http import Http
from devmentor.loadtesting.interruptions import Stop
from devmentor.loadtesting.trend import Trend, trend
from devmentor.loadtesting.visit import Visit
from devmentor.loadtesting.writer import Writer

WRITES = 5  # that the clients of a wave hear
RATE = 100.0  # of these, a second
HEAR_SECONDS = 10.0
LEAVE_SECONDS = 15.0  # until the gateway has let go of the sockets
# Between two readings. Whoever asks a gateway more often gets the metrics that it made last: three such
# readings would agree, whatever its memory does.
LOOK_SECONDS = 0.5
LIMIT_SECONDS = 90.0  # for which a limit on handshakes is waited out
STILL = 3  # readings that must agree
STILL_BYTES = 64 * 1024
STILL_SECONDS = 3.0
# A process that has just begun takes what it will always need: threads, connections, caches, pools of memory.
WARM_UP = 8
# A healthy process moves by up to 256 KiB a wave: allocators take memory in pieces and fill it unevenly. What
# it never let go of a client would be more than 2 KiB: a `Connection` with what it holds is some eight.
FREE_BYTES, FREE_BYTES_EACH = 256 * 1024, 2 * 1024


@dataclass(frozen=True, slots=True)
class Wave:
    """`memory`: resident bytes of all `processes` once everybody had gone; `growth`: since the one before."""

    number: int
    memory: int
    growth: int
    processes: int = 1

    @property
    def counts(self) -> bool:
        """Whether the verdict looks at it."""
        return self.number > WARM_UP


@dataclass(frozen=True, slots=True)
class Plan:
    """`waves` that count, after those that only warm up."""

    connections: int
    waves: int


async def waves(plan: Plan, tell: Callable[[Wave], None], visit: Visit, stop: Stop) -> list[Wave]:
    """One after the other; `tell` hears of each at once. Raises CommandError."""
    found: list[Wave] = []
    async with board_of(visit.http, visit.project, WRITES, visit.passing) as board, visit.renewing(_nothing):
        last = await _still_reading(visit.http)
        for number in range(1, WARM_UP + plan.waves + 1):
            met = await _wave(board, visit.tokens, plan.connections)
            await _gone(visit.http, last.connections, number)
            now = await _still_reading(visit.http)
            check_same(visit.http, last, now, met)
            found.append(Wave(number, now.memory, now.memory - last.memory, len(now.instances)))
            tell(found[-1])
            last = now
    return found


def verdict(found: list[Wave], connections: int) -> Trend:
    """Whether memory keeps growing, by more than a wave of a healthy gateway may leave."""
    counted = [wave.memory for wave in found if wave.counts]
    return trend(counted, FREE_BYTES * found[-1].processes + FREE_BYTES_EACH * connections)


async def _nothing() -> None:
    """The next wave shows the new token."""


async def _wave(board: Board, tokens: Sequence[str], connections: int) -> set[str]:
    """Which gateways the clients have met. Raises CommandError where one does not hear everything."""
    crowd = Crowd(Place(board.http, board.id, Arrivals(connections), tokens), connections)
    try:
        await crowd.enter(lambda: None, LIMIT_SECONDS)
        writer = Writer(board, crowd.place.arrivals)
        await writer.write(WRITES, RATE, asyncio.Event())
        if writer.failed:
            raise CommandError(f"a write failed: {writer.failures[0]}")
        if not await crowd.level(await board.head(), HEAR_SECONDS):
            raise CommandError(f"some clients did not hear every event in {HEAR_SECONDS:.0f} s: see loadtest")
        return crowd.place.instances
    finally:
        await crowd.leave()


async def _gone(http: Http, before: int, number: int) -> None:
    """Wait until the gateway has no more sockets than before the wave."""
    deadline = perf_counter() + LEAVE_SECONDS
    while (there := (await gateway.reading(http)).connections) > before:
        if perf_counter() > deadline:
            raise CommandError(
                f"wave {number}: {there} connections are open {LEAVE_SECONDS:.0f} s after its clients have "
                f"left, {before} were before it. Others came meanwhile, or the gateway does not let go of "
                "them: run it where nobody else connects"
            )
        await asyncio.sleep(LOOK_SECONDS)


async def _still_reading(http: Http) -> Reading:
    """The memory once it moves no more, or after STILL_SECONDS: what is freed late is no growth."""
    deadline = perf_counter() + STILL_SECONDS
    found = [await gateway.reading(http)]
    while perf_counter() < deadline:
        last = [one.memory for one in found[-STILL:]]
        if len(last) == STILL and max(last) - min(last) <= STILL_BYTES:
            break
        await asyncio.sleep(LOOK_SECONDS)
        found.append(await gateway.reading(http))
    return found[-1]


def check_same(http: Http, last: Reading, now: Reading, met: set[str]) -> None:
    """Raises CommandError where not all of it is of the same processes."""
    if last.instances != now.instances or not met <= now.instances:
        names = ", ".join(sorted({*last.instances, *now.instances, *met}))
        raise CommandError(
            f"{http.address.http} leads to more than one gateway, or to one that was restarted ({names}): "
            "give --url of one that stays"
        )
