"""The database is the truth: while it is away nothing is promised that it does not hold."""

import signal

import psycopg
import pytest

from tests.faults.clients import Client
from tests.faults.conftest import MakeTrial
from tests.faults.trial import Trial

LOCKED_SECONDS = 8.0


@pytest.mark.chaos
@pytest.mark.parametrize(
    "how, injected",
    [
        (signal.SIGINT, "fast shutdown (sessions are cut) and start, twice"),
        (signal.SIGQUIT, "immediate shutdown (as a crash) and recovery, twice"),
    ],
)
async def test_postgresql_restarts(trial: MakeTrial, how: signal.Signals, injected: str) -> None:
    """PostgreSQL restarts under writes"""
    async with trial(traces=("gateway_database_failures_total",)) as load:
        before = sum(len(client.closes) for client in load.clients)
        async with load.fault(injected):
            for _ in range(2):
                await load.in_thread(load.cluster.postgres.restart, how)
                await load.go_on(2)
        closed = sum(len(client.closes) for client in load.clients) - before
        load.demand(not closed, f"{closed} sockets were closed though only the database was away")


@pytest.mark.chaos
async def test_one_gateway_loses_the_database(trial: MakeTrial) -> None:
    """A black hole between one gateway and PostgreSQL"""
    async with trial(traces=("gateway_database_failures_total",)) as load:
        node = load.cluster.nodes[1]
        async with load.fault("nothing gets through either way for 12 s, then the connections end"):
            node.database.fall_silent()
            await load.go_on(12)
            node.database.drop()
            node.database.mend()


@pytest.mark.chaos
async def test_a_long_lock_on_one_project(trial: MakeTrial) -> None:
    """A long lock on one project"""
    async with trial() as load:
        locked, free = (board.id for board in load.boards)
        before = len(load.log(free))
        query = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with load.fault(f"its counter row locked for {LOCKED_SECONDS:g} s by somebody else"):
            with psycopg.connect(load.cluster.postgres.url("board")) as holder:
                row = "SELECT seq FROM realtime_roomhead WHERE room = %s FOR UPDATE"
                holder.execute(row, (f"project:{locked}",))
                await load.go_on(LOCKED_SECONDS / 2)
                with psycopg.connect(load.cluster.postgres.url("board")) as looking:
                    load.trace("writes seen waiting for the lock", len(looking.execute(query).fetchall()))
                heads = load.heads()
                lagging = [
                    client.replica.name
                    for client in load.clients
                    if client.replica.project == free and not await reaches(load, client, heads[free])
                ]
                await load.go_on(LOCKED_SECONDS / 2)
        load.demand(not lagging, f"the other project's clients lagged: {lagging}")
        load.demand(len(load.log(free)) > before + 10, "the other project was not written to meanwhile")


async def reaches(load: Trial, client: Client, seq: int) -> bool:
    """Within the second of a healthy system."""
    return await load.until(lambda: client.replica.seq >= seq, 1)


@pytest.mark.chaos
async def test_the_database_is_slow(trial: MakeTrial) -> None:
    """PostgreSQL is slow"""
    async with trial() as load:
        async with load.fault("each chunk to and from the database waits 20 ms, for 6 s"):
            for node in load.cluster.nodes:
                node.database.delay = 0.02
            await load.go_on(6)
            for node in load.cluster.nodes:
                node.database.mend()
        load.trace("seconds of the slowest write", round(load.history.slowest(), 2))
