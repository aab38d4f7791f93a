"""Clients that are slow, that repeat themselves, that all want the same, and one room that overflows."""

import asyncio
import contextlib
import json

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.faults.burst import burst
from tests.faults.conftest import MakeTrial
from tests.faults.test_gateways_fail import IDLE, drain_and_restart
from tests.faults.trial import Trial
from tests.support.api import bearer
from tests.support.people import OWNER

SLOW_CLIENTS = 50
BURST_EVENTS = 10_000
SENT_THRICE = 30
MOVERS = 20


@pytest.mark.chaos
async def test_a_burst(trial: MakeTrial) -> None:
    """A burst in one room"""
    async with trial(traces=('websocket_messages_total{direction="out",event="other"}',)) as load:
        async with load.fault(f"{BURST_EVENTS} events written to one project at once"):
            await burst(load, load.boards[0].id, events=BURST_EVENTS, size=40, together=500)


@pytest.mark.chaos
async def test_two_megabytes_are_missed(trial: MakeTrial) -> None:
    """Clients are away while large events come"""
    async with trial(traces=('websocket_resumes_total{outcome="replayed"}',)) as load:
        async with load.fault("the balancer cut, 100 events of 20 kB each by another service, mended"):
            for front in load.cluster.fronts:
                front.cut()
            await burst(load, load.boards[0].id, events=100, size=20_000, together=10)
            for front in load.cluster.fronts:
                front.mend()
        await load.go_on(2)
        # As the clients were told: the session of a Socket.IO client that is away reads nothing, and is cut.
        cut_off = sum(code == 4413 for closes in load.closes(0) for _, code in closes)
        load.demand(not cut_off, f"{cut_off} sockets that do read were cut as too slow")


@pytest.mark.chaos
async def test_clients_that_do_not_read(trial: MakeTrial) -> None:
    """Clients that stop reading, half of them still sending"""
    async with trial(traces=("websocket_slow_consumers_total",)) as load:
        project = load.boards[0].id
        slow = [await stalled(load, project, number) for number in range(SLOW_CLIENTS)]
        talking = [asyncio.create_task(keep_sending(socket)) for socket in slow[::2]]
        async with load.fault(f"{SLOW_CLIENTS} sockets read nothing while 12 MB of events come"):
            await burst(load, project, events=600, size=20_000, together=20)
        await load.until(lambda: sum(cut(load)) >= SLOW_CLIENTS, IDLE + 4)
        slow_ones, silent_ones = cut(load)
        load.demand(
            slow_ones + silent_ones >= SLOW_CLIENTS,
            f"of {SLOW_CLIENTS} that read nothing {slow_ones:g} were cut as slow, {silent_ones:g} as idle",
        )
        for task in talking:
            task.cancel()
        for socket in slow:
            socket.transport.abort()


def cut(load: Trial) -> tuple[float, float]:
    """How many sockets were closed as too slow, and as idle: who reads nothing answers no ping either."""
    slow, idle = (load.watch.moved(f'websocket_closes_total{{code="{code}"}}') for code in (4413, 4408))
    return slow, idle


async def stalled(load: Trial, project: str, number: int) -> ClientConnection:
    """A member of the room that reads no more; straight at a gateway, nothing between buffers for it."""
    node = load.cluster.nodes[number % len(load.cluster.nodes)]
    socket = await connect(
        node.gateway.ws_url,
        additional_headers=bearer(load.token(OWNER)),
        max_queue=1,
        ping_interval=None,
        proxy=None,
    )
    await socket.send(json.dumps({"id": 1, "event": "project:join", "data": {"projectId": project}}))
    while json.loads(await socket.recv()).get("id") != 1:
        pass
    return socket


async def keep_sending(socket: ClientConnection) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        while True:
            await socket.send('{"event":"ping"}')
            await asyncio.sleep(0.1)


async def send_thrice(load: Trial) -> None:
    replayed = 0
    async with load.fault(f"{SENT_THRICE} writes, each thrice at once under one key"):
        for number in range(SENT_THRICE):
            replayed += await thrice(load, number)
    load.trace("answers given again", replayed)
    load.demand(replayed == 2 * SENT_THRICE, f"{replayed} answers were said to be given again")


async def test_every_command_three_times(trial: MakeTrial) -> None:
    """Every command is sent three times, to two gateways"""
    async with trial(writers=2) as load:
        await send_thrice(load)


async def thrice(load: Trial, number: int) -> int:
    """How many of the three answers were said to be given again."""
    nodes = [load.cluster.nodes[place] for place in (0, 1, 0)]
    project = load.boards[number % 2].id
    answers = await load.send("thrice", "task:created", project, nodes, {"title": f"Once {number}"})
    load.demand(len(answers) == 3, f"{len(answers)} answers to a write that was sent three times")
    bodies = {answer.text for answer in answers}
    load.demand(len(bodies) == 1, f"three answers to one write: {bodies}")
    return sum("Idempotent-Replayed" in answer.headers for answer in answers)


@pytest.mark.chaos
async def test_all_want_the_same(trial: MakeTrial) -> None:
    """Twenty move the same task, and twenty tasks move to the same slot"""
    async with trial(writers=2) as load:
        board = load.boards[0]
        tasks = [board.add_task(f"Wanted {number}")["id"] for number in range(MOVERS)]
        columns = list(board.columns.values())
        async with load.fault("all at once, by way of three gateways"):
            same_task = [(tasks[0], columns[number % len(columns)]) for number in range(MOVERS)]
            same_slot = [(task, columns[1]) for task in tasks]
            for moves in (same_task, same_slot):
                await asyncio.gather(*(move(load, number, *each) for number, each in enumerate(moves)))
        keys = {operation.key for operation in load.history.operations if operation.writer == "mover"}
        moved = [event for event in load.log(board.id) if event["mutationId"] in keys]
        load.trace("these moves in the log", len(moved))


async def move(load: Trial, number: int, task: str, column: str) -> None:
    nodes, body = [load.cluster.nodes[number % 3]], {"column": column, "after": None}
    answers = await load.send("mover", "task:moved", load.boards[0].id, nodes, body, task)
    statuses = [answer.status_code for answer in answers]
    load.demand(statuses == [httpx.codes.OK], f"a move among twenty: {statuses}")


@pytest.mark.chaos
async def test_everyone_to_polling_and_back(trial: MakeTrial) -> None:
    """Everyone to polling, and back"""
    async with trial(traces=('websocket_closes_total{code="4000"}',)) as load:
        async with load.fault("a rolling restart with real-time off, and one with it on again"):
            for node in load.cluster.nodes:
                await drain_and_restart(load, node, ENABLE_REALTIME="false")
            await load.until(lambda: all(c.mode == "polling" for c in load.clients), 10)
            modes = {client.mode for client in load.clients}
            load.demand(modes == {"polling"}, f"with real-time off they were at {modes}")
            for node in load.cluster.nodes:
                await drain_and_restart(load, node)
            back = await load.until(lambda: all(c.mode == c.home for c in load.clients), 15)
            load.demand(back, "not everybody came back to where they belong")
