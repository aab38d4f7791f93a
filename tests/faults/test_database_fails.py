"""The database is the truth: while it is away nothing is promised that it does not hold."""

import signal
from statistics import median

import psycopg
import pytest

from tests.faults.conftest import MakeTrial
from tests.faults.trial import HEALTHY_SECONDS, Trial

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
    async with trial() as load:
        # Socket.IO's own polling is a series of requests: the balancer may send it elsewhere meanwhile, since
        # no gateway is ready without the database.
        sockets = [client for client in load.clients if client.home == "socket" and not client.sticky]
        before = {client: len(client.connects) for client in sockets}
        async with load.fault(injected):
            await load.in_thread(load.cluster.postgres.restart, how)
            await load.go_on(2)
            await load.in_thread(load.cluster.postgres.restart, how)
        await load.go_on(2)
        again = [client.replica.name for client in sockets if len(client.connects) > before[client]]
        load.demand(not again, f"{again} had to come back though only the database was away")
        load.demand(all(client.replica.connected for client in sockets), "a socket is gone")
        await load.watch.look()
        seen = load.watch.moved("gateway_database_failures_total")
        refused = load.watch.moved('django_http_responses_total_by_status_total{status="503"}')
        load.trace("gateway_database_failures_total and answers 503", seen + refused)


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
                there = [client.replica for client in load.clients if client.replica.project == free]
                level = await load.until(
                    lambda: all(replica.seq >= heads[free] for replica in there), HEALTHY_SECONDS
                )
                await load.go_on(LOCKED_SECONDS / 2)
        lagging = [replica.name for replica in there if replica.seq < heads[free]]
        load.demand(level, f"the other project's clients were late, and still are: {lagging}")
        load.demand(len(load.log(free)) > before + 10, "the other project was not written to meanwhile")


@pytest.mark.chaos
async def test_the_database_is_slow(trial: MakeTrial) -> None:
    """PostgreSQL is slow"""
    async with trial() as load:
        healthy = median(write_times(load))
        async with load.fault("each chunk to and from the database waits 20 ms, for 6 s"):
            for node in load.cluster.nodes:
                node.database.slow_down(0.02)
            count = len(write_times(load))
            await load.go_on(6)
            slow = median(write_times(load)[count:])
            for node in load.cluster.nodes:
                node.database.mend()
        load.trace("seconds that a write took longer, by the median", round(max(0.0, slow - healthy), 2))


def write_times(load: Trial) -> list[float]:
    """Seconds from the request to the answer, of all writes so far."""
    return [o.ended_at - o.invoked_at for o in load.history.operations if o.ended_at]
