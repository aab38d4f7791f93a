"""Gateways that die, stop, or are replaced, under load."""

import asyncio
import contextlib
import signal
import time
from math import inf

import httpx
import pytest

from tests.faults.burst import burst
from tests.faults.clients import REALTIME_OFF, OneOfMany, SocketClient, SocketIOClient
from tests.faults.cluster import SETTINGS, Node
from tests.faults.conftest import MakeTrial
from tests.faults.trial import HEALTHY_SECONDS, Trial
from tests.support.api import bearer
from tests.support.people import OWNER
from tests.support.raw_http import get

LEASE_SECONDS = 6
GHOST_SECONDS = 55  # Engine.IO notices its dead within 45 s, a plain socket much sooner
NOTICED_SECONDS = 0.5
IDLE = int(SETTINGS["CONNECTION_TIMEOUT"]) / 1000
WINDOW = int(SETTINGS["DRAIN_WINDOW"]) / 1000
CAME_BACK_AT_ONCE = 1000
MISSED = 10


@pytest.mark.chaos
async def test_nothing_happens(trial: MakeTrial) -> None:
    """No fault"""
    async with trial(bound=HEALTHY_SECONDS, delivery=HEALTHY_SECONDS) as load:
        load.line.injected = "nothing: a healthy system"
        await load.go_on(5)


async def kill_a_gateway(load: Trial) -> None:
    gateway = load.cluster.nodes[0].gateway
    async with load.fault("kill -9 of one of three; a new one after 8 s"):
        gateway.kill()
    await load.go_on(LEASE_SECONDS + 2)
    await load.in_thread(gateway.restart)


@pytest.mark.chaos
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
    served = await serving_to_the_end(load, node)
    ended = await load.until(lambda: not node.gateway.running, 10)
    load.demand(ended, "a gateway that drains did not end")
    load.demand(served > WINDOW * 0.9, f"HTTP was answered for {served:.2f} s of a drain of {WINDOW:g} s")
    closes = load.closes(since=began)
    codes = {code for each in closes for _, code in each} - {REALTIME_OFF}
    load.demand(codes <= {1012}, f"a drain closed sockets with {codes}, not with 1012 alone")
    # Of each client the first: who comes back before the balancer has noticed is sent away again at once.
    times = [each[0][0] for each in closes if each[0][1] != REALTIME_OFF]
    if len(times) >= 5:  # fewer may happen to be neighbours in the order of closing
        spread = max(times) - min(times)
        load.demand(spread > WINDOW / 3, f"{len(times)} sockets were closed within {spread:.2f} s")


async def serving_to_the_end(load: Trial, node: Node) -> float:
    """For how many seconds a gateway that drains says so at /ready, and reads the board for whoever asks."""
    began = time.monotonic()
    board = f"{node.gateway.http_url}/api/projects/{load.boards[0].id}/board/"
    headers = bearer(load.token(OWNER))
    async with httpx.AsyncClient(timeout=5) as http:
        with contextlib.suppress(httpx.TransportError):
            while time.monotonic() - began < WINDOW:
                ready = await http.get(f"{node.gateway.http_url}/ready")
                read = await http.get(board, headers=headers)
                load.demand(read.is_success, f"a gateway that drains answered a read with {read.status_code}")
                late = time.monotonic() - began > NOTICED_SECONDS
                load.demand(ready.status_code == 503 or not late, "/ready of a gateway that drains says yes")
                await load.go_on(0.1)
    return time.monotonic() - began


async def drain_and_restart(load: Trial, node: Node, **settings: str) -> None:
    await drain(load, node)
    await load.in_thread(node.gateway.restart, **settings)


async def drain_a_gateway(load: Trial) -> None:
    node = load.cluster.nodes[1]
    for number in range(6):  # whatever the balancer does, this gateway has sockets to send away
        load.add_client(f"here-{number}", SocketClient, load.boards[0].id, url=node.gateway.http_url)
    load.demand(await load.everybody_connected(), "six more clients could not connect")
    async with load.fault("SIGTERM to one of three, then a new one"):
        await drain_and_restart(load, node)


@pytest.mark.chaos
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
    async with trial(traces=('websocket_resumes_total{outcome="replayed"}',)) as load:
        async with load.fault("SIGTERM to all three, 3 s without any, then three new ones"):
            await asyncio.gather(*(drain(load, node) for node in load.cluster.nodes))
            await load.go_on(3)
            await asyncio.gather(*(load.in_thread(n.gateway.restart) for n in load.cluster.nodes))


@pytest.mark.chaos
async def test_a_new_version_beside_the_old(trial: MakeTrial) -> None:
    """A new version runs beside the old, and is taken back"""
    async with trial() as load:
        new, *old = load.cluster.nodes
        async with load.fault("one gateway rings in kinds and with fields that the others do not know"):
            await drain(load, new)
            await load.in_thread(new.gateway.restart, program=("-m", "tests.faults.variants", "next-version"))
            load.add_client("new-version", SocketClient, load.boards[0].id, url=new.gateway.http_url)
            load.add_writer("new-version", load.boards[1].id, url=new.gateway.http_url)
            await load.go_on(5)
            await load.watch.look()
            ignored = load.watch.moved("websocket_bell_ignored_total", *old)
            await drain_and_restart(load, new)
        load.trace("websocket_bell_ignored_total of the old", ignored)


async def test_a_crash_between_commit_and_bell(trial: MakeTrial) -> None:
    """A gateway dies between commit and publish"""
    async with trial(traces=("websocket_gap_fills_total",)) as load:
        node, project = load.cluster.nodes[0], load.boards[0].id
        await load.in_thread(node.gateway.stop)
        await load.in_thread(
            node.gateway.restart, program=("-m", "tests.faults.variants", "crash-before-bell")
        )
        load.demand(await load.everybody_connected(), "not everybody came back before the fault")
        async with load.fault("SIGKILL by itself as it is about to publish"):
            await load.send("by hand", "task:created", project, [node], {"title": "crash before the bell"})
            await load.until(lambda: not node.gateway.running, 5)
        load.demand(not node.gateway.running, "the gateway did not crash")
        await load.in_thread(node.gateway.restart)
        titles = [event["data"].get("title") for event in load.log(project)]
        load.demand("crash before the bell" in titles, "what had been committed is not in the log")


@pytest.mark.chaos
async def test_half_open_connections(trial: MakeTrial) -> None:
    """Clients vanish without a word"""
    async with trial(traces=('websocket_closes_total{code="4408"}',)) as load:
        sockets = [client for client in load.clients if isinstance(client, SocketClient)]
        engines = sum(isinstance(client, SocketIOClient) for client in load.clients)
        before = [len(client.connects) for client in sockets]
        async with load.fault("all connections cut on the clients' side only"):
            for front in load.cluster.fronts:
                front.abandon()
        back = await load.until(
            lambda: all(len(c.connects) > n for c, n in zip(sockets, before, strict=True)), 10
        )
        load.demand(back, "not every socket came back")
        live = len(sockets) + engines
        fell = await load.until(lambda: open_sockets(*load.cluster.nodes) == live, GHOST_SECONDS)
        load.demand(fell, f"{open_sockets(*load.cluster.nodes)} sockets are counted, {live} are there")


def open_sockets(*nodes: Node) -> int:
    """What /health of these gateways counts."""
    answers = [get(f"{node.gateway.http_url}/health", seconds=2) for node in nodes]
    return sum(answer.json()["connections"] for answer in answers)


@pytest.mark.chaos
async def test_a_thousand_come_back_at_once(trial: MakeTrial) -> None:
    """A thousand clients lose their connections and come back

    What that costs is counted: how long it takes depends on the machine, which the thousand share.
    """
    traces = ('websocket_resumes_total{outcome="replayed"}',)
    async with trial(traces=traces, clients=0, writers=1, back=inf, bound=inf) as load:
        project = load.boards[1].id
        board = load.snapshot(project)
        for number in range(CAME_BACK_AT_ONCE):
            client = load.add_client(f"many-{number}", OneOfMany, project)
            client.gateways = [node.gateway.http_url for node in load.cluster.nodes]
            client.replica.load(dict(board))
        await load.everybody_connected(inf)
        nodes = load.cluster.nodes
        async with load.fault(
            f"kill -9 of all three, {MISSED} events by another service, three new ones, cold"
        ):
            for node in nodes:
                node.gateway.kill()
            await burst(load, project, events=MISSED, size=40, together=10)
            await asyncio.gather(*(load.in_thread(n.gateway.restart) for n in nodes))
        await load.everybody_connected(inf)
        connects = {len(client.connects) for client in load.clients}
        load.demand(connects == {2}, f"clients that were let in were cut off again: {connects} connects")
        await load.watch.look()
        read = load.watch.moved("websocket_log_reads_total")
        load.trace("reads of the log", read)
        # All that they have missed is in one page: a read for each gateway, however they arrive.
        load.demand(read <= len(nodes), f"{read:.0f} reads of the log by {len(nodes)} gateways for one page")
