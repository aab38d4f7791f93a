"""The load test: clients that listen while tasks are changed, and an account of who heard what, and when."""

import asyncio
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter, process_time

from django.core.management.base import CommandError

from devmentor.loadtesting.arrivals import Arrivals
from devmentor.loadtesting.board import Board, board_of
from devmentor.loadtesting.client import Client, Place
from devmentor.loadtesting.crowd import Crowd
from devmentor.loadtesting.interruptions import Stop
from devmentor.loadtesting.progress import Bar
from devmentor.loadtesting.visit import Visit
from devmentor.loadtesting.writer import Writer

LEAST_TASKS, MOST_TASKS = 8, 64  # as many writes may be under way at once
# Everybody has everything five seconds after a fault's end (docs/guarantees.md); the rest is for coming back.
SETTLE_SECONDS = 10.0
SHOW_SECONDS = 0.2
AGAIN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """So many clients hear `rate` writes a second, for so many seconds."""

    connections: int
    seconds: float
    rate: float

    @property
    def writes(self) -> int:
        return max(1, round(self.seconds * self.rate))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    head: seq of the last event; None: the gateway no longer tells
    seconds: for how long was written
    cpu: how much of a core this process took meanwhile
    stopped: whether it was told to end early
    closes: connections that were lost while they were wanted, by close code
    gateways: the instances that the clients have met
    """

    plan: Plan
    head: int | None
    seconds: float
    cpu: float
    stopped: bool
    arrivals: Arrivals
    writer: Writer
    clients: list[Client]
    closes: Counter[int]
    gateways: set[str]

    @property
    def is_bottleneck(self) -> bool:
        """Whether half of the latency, or more, may have come about in this process."""
        own, whole = self.arrivals.own.percentile(0.99), self.arrivals.latency.percentile(0.99)
        return own is not None and whole is not None and own >= whole / 2

    @property
    def losses(self) -> int:
        """Of events, counted for each client, and of writes."""
        events = sum(client.ledger.losses for client in self.clients)
        return events + self.arrivals.unheard + self.writer.failed

    def notes(self) -> Iterator[str]:
        """A line for each loss, or each client that has some."""
        for failure in self.writer.failures:
            yield f"write failed: {failure}"
        if self.arrivals.unheard:
            yield f"{self.arrivals.unheard} answered writes reached nobody"
        for number, client in enumerate(self.clients, 1):
            if client.ledger.losses:
                yield f"client {number}: {client.account()}"


async def load(plan: Plan, visit: Visit, stop: Stop) -> Result:
    """Raises CommandError where it cannot be carried out."""
    tasks = min(MOST_TASKS, max(LEAST_TASKS, math.ceil(plan.rate)))
    async with board_of(visit.http, visit.project, tasks, visit.passing) as board:
        place = Place(visit.http, board.id, Arrivals(plan.connections), visit.tokens)
        crowd = Crowd(place, plan.connections)
        try:
            with Bar("Connecting", plan.connections, " clients") as bar:
                await crowd.enter(bar.step)
            async with visit.renewing(crowd.renew):
                return await _measure(board, crowd, plan, stop)
        finally:
            await crowd.leave()


async def _measure(board: Board, crowd: Crowd, plan: Plan, stop: Stop) -> Result:
    arrivals = crowd.place.arrivals
    writer = Writer(board, arrivals, crowd.place.tokens)
    began, cpu = perf_counter(), process_time()
    stop.gentle = True
    with Bar("Writing", plan.seconds, " s") as bar:
        showing = asyncio.create_task(_show(bar, writer, arrivals))
        await writer.write(plan.writes, plan.rate, stop, plan.seconds)
        showing.cancel()
    seconds, cpu = perf_counter() - began, process_time() - cpu
    stop.gentle = False
    head = await _head(board)
    if head is not None:
        await crowd.level(head, SETTLE_SECONDS)
        for client in crowd.clients:
            client.ledger.close(head)
    return Result(
        plan=plan,
        head=head,
        seconds=seconds,
        cpu=cpu / seconds,
        stopped=stop.is_set(),
        arrivals=arrivals,
        writer=writer,
        clients=crowd.clients,
        closes=crowd.closes,
        gateways=crowd.place.instances,
    )


async def _head(board: Board) -> int | None:
    """How far the log goes, from a gateway that may be on its way back."""
    deadline = perf_counter() + SETTLE_SECONDS
    while True:
        try:
            return await board.head()
        except CommandError:
            if perf_counter() > deadline:
                return None
        await asyncio.sleep(AGAIN_SECONDS)


async def _show(bar: Bar, writer: Writer, arrivals: Arrivals) -> None:
    began = perf_counter()
    while True:
        bar.reach(perf_counter() - began, f"{writer.answered} writes, {arrivals.deliveries} deliveries")
        await asyncio.sleep(SHOW_SECONDS)
