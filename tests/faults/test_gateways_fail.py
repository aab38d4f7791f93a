"""Gateways that die, stop, or are replaced, under load."""

import asyncio
import signal
import time

import httpx
import pytest

from tests.faults.burst import burst
from tests.faults.clients import REALTIME_OFF, OneOfMany, SocketClient, SocketIOClient
from tests.faults.cluster import SETTINGS, Node
from tests.faults.conftest import MakeTrial
from tests.faults.trial import HEALTHY_SECONDS, Trial

WINDOW = int(SETTINGS["DRAIN_WINDOW"]) / 1000
CAME_BACK_AT_ONCE = 1000
MISSED = 40


async def test_nothing_happens(trial: MakeTrial) -> None:
    """No fault"""
    async with trial(bound=HEALTHY_SECONDS) as load:
        load.line.injected = "nothing: a healthy system"
        await load.go_on(5)


async def kill_a_gateway(load: Trial) -> None:
    gateway = load.cluster.nodes[0].gateway
    async with load.fault("kill -9 of one of three, a new one after 8 s"):
        gateway.kill()
        await load.go_on(8)
        await load.in_thread(gateway.restart)


async def test_a_gateway_is_killed(trial: MakeTrial) -> None:
    """A gateway dies"""
    async with trial(traces=("gateway_leases_expired_total",)) as load:
        await kill_a_gateway(load)


async def drain(load: Trial, node: Node) -> None:
    """End a gateway as an orchestrator does; its clients must be sent away one by one, with 1012.

    Others may be told meanwhile, by a gateway that has real-time off, to poll.
    """
    began = time.monotonic()
    node.gateway.process.send_signal(signal.SIGTERM)
    await load.until(lambda: not node.gateway.running, WINDOW + 10)
    closes = [close for close in load.closes(since=began) if close[1] != REALTIME_OFF]
    codes = {code for _, code in closes}
    load.demand(codes <= {1012}, f"a drain closed sockets with {codes}, not with 1012 alone")
    times = [at for at, _ in closes]
    if len(times) >= 3:
        spread = times[-1] - times[0]
        load.demand(spread > WINDOW / 3, f"{len(times)} sockets were closed within {spread:.2f} s")


async def drain_and_restart(load: Trial, node: Node, **settings: str) -> None:
    await drain(load, node)
    await load.in_thread(node.gateway.restart, **settings)


async def drain_a_gateway(load: Trial) -> None:
    node = load.cluster.nodes[1]
    for number in range(6):  # whatever the balancer does, this gateway has sockets to send away
        load.add_client(f"here-{number}", SocketClient, load.boards[0].id, url=node.gateway.http_url)
    await load.everybody_connected()
    async with load.fault("SIGTERM to one of three, then a new one"):
        await drain_and_restart(load, node)


async def test_a_gateway_drains(trial: MakeTrial) -> None:
    """A gateway is stopped in order"""
    async with trial(traces=('websocket_closes_total{code="1012"}',)) as load:
        await drain_a_gateway(load)


@pytest.mark.chaos
async def test_a_rolling_restart(trial: MakeTrial) -> None:
    """All gateways are replaced, one after the other"""
    async with trial(traces=('websocket_closes_total{code="1012"}',)) as load:
        async with load.fault("SIGTERM and a new one, three times"):
            for node in load.cluster.nodes:
                await drain_and_restart(load, node)
        connects = [at for client in load.clients for at in client.connects]
        load.demand(len(connects) < 12 * len(load.clients), f"a storm: {len(connects)} connects")


@pytest.mark.chaos
async def test_nobody_is_there_for_a_while(trial: MakeTrial) -> None:
    """Scaled to zero and back"""
    async with trial(traces=("websocket_resumes_total",)) as load:
        async with load.fault("SIGTERM to all three, 3 s without any, then three new ones"):
            await asyncio.gather(*(drain(load, node) for node in load.cluster.nodes))
            await load.go_on(3)
            await asyncio.gather(*(load.in_thread(n.gateway.restart) for n in load.cluster.nodes))


@pytest.mark.chaos
async def test_a_new_version_beside_the_old(trial: MakeTrial) -> None:
    """A new version runs beside the old, and is taken back"""
    async with trial(traces=("websocket_bell_ignored_total",)) as load:
        async with load.fault("one gateway rings in kinds and with fields that the others do not know"):
            node = load.cluster.nodes[0]
            await drain(load, node)
            await load.in_thread(
                node.gateway.restart, program=("-m", "tests.faults.variants", "next-version")
            )
            load.add_client("new-version", SocketClient, load.boards[0].id, url=node.gateway.http_url)
            load.add_writer("new-version", load.boards[1].id, url=node.gateway.http_url)
            await load.go_on(5)
            await drain_and_restart(load, node)


async def test_a_crash_between_commit_and_bell(trial: MakeTrial) -> None:
    """A gateway dies between commit and publish"""
    async with trial(traces=("websocket_gap_fills_total",)) as load:
        node, project = load.cluster.nodes[0], load.boards[0].id
        await load.in_thread(node.gateway.terminate)
        await load.in_thread(
            node.gateway.restart, program=("-m", "tests.faults.variants", "crash-before-bell")
        )
        await load.until(lambda: all(c.replica.connected for c in load.clients), 10)
        async with load.fault("SIGKILL by itself as it is about to publish"):
            await load.send_to(node, project, "crash before the bell")
            await load.until(lambda: not node.gateway.running, 5)
        load.demand(not node.gateway.running, "the gateway did not crash")
        await load.in_thread(node.gateway.restart)
        titles = [event["data"].get("title") for event in load.log(project)]
        load.demand("crash before the bell" in titles, "what had been committed is not in the log")


@pytest.mark.chaos
async def test_half_open_connections(trial: MakeTrial) -> None:
    """Clients vanish without a word"""
    async with trial(traces=('websocket_closes_total{code="4408"}',)) as load:
        async with load.fault("all connections cut on the clients' side only"):
            load.cluster.front.abandon()
        await load.everybody_connected()
        engines = sum(isinstance(client, SocketIOClient) for client in load.clients)
        live = engines + sum(isinstance(client, SocketClient) for client in load.clients)
        idle = int(SETTINGS["CONNECTION_TIMEOUT"]) / 1000
        # Engine.IO has a clock of its own, and notices its dead within 45 s.
        found = await load.until(lambda: live <= open_sockets(load) <= live + engines, idle + 6)
        load.demand(found, f"{open_sockets(load)} sockets are counted, {live} clients are there")


def open_sockets(load: Trial) -> int:
    """What /health of all gateways counts."""
    answers = [httpx.get(f"{node.gateway.http_url}/health", timeout=2) for node in load.cluster.nodes]
    return sum(answer.json()["connections"] for answer in answers)


@pytest.mark.chaos
async def test_a_thousand_come_back_at_once(trial: MakeTrial) -> None:
    """A thousand clients lose their connections and come back"""
    async with trial(traces=("websocket_resumes_total",), writers=1) as load:
        project = load.boards[1].id
        board = load.snapshot(project)
        for number in range(CAME_BACK_AT_ONCE):
            load.add_client(f"many-{number}", OneOfMany, project).replica.load(dict(board))
        load.demand(await load.everybody_connected(60), "a thousand clients could not connect")
        await load.look()
        reads = load.moved("websocket_log_reads_total")
        async with load.fault("every connection through the balancer cut, all three gateways cold"):
            for node in load.cluster.nodes:
                node.gateway.kill()
            await burst(load, project, events=MISSED, size=40, together=10)
            await asyncio.gather(*(load.in_thread(n.gateway.restart) for n in load.cluster.nodes))
            await load.everybody_connected(60)
        await load.look()
        read = load.moved("websocket_log_reads_total") - reads
        load.trace("reads of the log", read)
        load.demand(
            read <= 60, f"{read:.0f} reads of the log for one range in {len(load.cluster.nodes)} gateways"
        )
