"""Redis is only a bell: it may be emptied, restarted, stopped, cut off or gone for good."""

import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.faults.conftest import MakeTrial
from tests.faults.trial import Trial
from tests.support.raw_http import get

# The heads are compared each second; the clients that poll add their own interval.
BY_THE_LOG_SECONDS = 2.5
STOPPED_SECONDS = 20.0
KILL_EVERY_SECONDS = 2.0
# While Redis hangs a write takes a second longer at the most; half a second is what one may take anyway,
# on a machine that everything here shares.
SLOWEST_WRITE_SECONDS = 1.5


async def says_it_is_deaf(load: Trial) -> None:
    """While Redis is away every gateway says so, and goes on serving."""
    answers = [get(f"{node.gateway.http_url}/ready") for node in load.cluster.nodes]
    found = [(answer.status, answer.json()["checks"]["channelLayer"]) for answer in answers]
    load.demand(found == [(200, "degraded")] * len(found), f"/ready says {found} while Redis is away")
    for node in load.cluster.nodes:
        healthy = node.metrics().get("websocket_bell_healthy")
        load.demand(healthy == 0.0, f"websocket_bell_healthy is {healthy} while Redis is away")


def calls(load: Trial, command: str) -> int:
    """How often Redis has carried out a command."""
    with load.cluster.redis.client() as client:
        found: dict[str, int] = client.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})
        return found["calls"]


@pytest.mark.chaos
async def test_redis_is_flushed(trial: MakeTrial) -> None:
    """Redis is flushed in a burst"""
    async with trial(writers=8, delivery=BY_THE_LOG_SECONDS) as load:
        async with load.fault("FLUSHDB, twenty times in 4 s"):
            before = calls(load, "flushdb")
            with load.cluster.redis.client() as client:
                for _ in range(20):
                    client.flushdb()
                    await load.go_on(0.2)
        load.writes_went_on()
        load.trace("FLUSHDB in Redis's own statistics", calls(load, "flushdb") - before)


@pytest.mark.chaos
async def test_redis_restarts(trial: MakeTrial) -> None:
    """Redis restarts and has forgotten everything"""
    traces = ("websocket_bell_failures_total",)
    async with trial(traces=traces, delivery=BY_THE_LOG_SECONDS) as load:
        async with load.fault("Redis ended and started without persistence, twice"):
            await load.in_thread(load.cluster.redis.restart)
            await load.go_on(2)
            await load.in_thread(load.cluster.redis.restart)
        load.writes_went_on()


@contextlib.asynccontextmanager
async def stopped(load: Trial) -> AsyncIterator[None]:
    load.cluster.redis.server.pause()
    try:
        yield
    finally:
        load.cluster.redis.server.resume()


@pytest.mark.chaos
async def test_redis_stops_answering(trial: MakeTrial) -> None:
    """Redis hangs"""
    traces = ("websocket_bell_failures_total", "websocket_gap_fills_total")
    async with trial(traces=traces, delivery=BY_THE_LOG_SECONDS) as load:
        async with load.fault(f"SIGSTOP for {STOPPED_SECONDS:g} s"), stopped(load):
            await load.go_on(STOPPED_SECONDS - 1)
            await says_it_is_deaf(load)
            await load.go_on(1)
        load.writes_went_on(least=50)
        slowest = load.history.slowest()
        load.demand(slowest <= SLOWEST_WRITE_SECONDS, f"a write took {slowest:.2f} s")


async def lose_redis_for_good(load: Trial) -> None:
    """There is no end to this fault: everybody must be level by the log alone."""
    load.line.injected = "Redis cut off from all gateways, to the end"
    await load.mark()
    for node in load.cluster.nodes:
        node.redis.cut()
    await load.go_on(7)
    await says_it_is_deaf(load)
    load.writes_went_on()


@pytest.mark.chaos
async def test_redis_is_gone(trial: MakeTrial) -> None:
    """Redis is gone for good"""
    async with trial(
        traces=("websocket_gap_fills_total", "websocket_bell_failures_total"), delivery=BY_THE_LOG_SECONDS
    ) as load:
        await lose_redis_for_good(load)


@pytest.mark.chaos
async def test_one_gateway_loses_redis(trial: MakeTrial) -> None:
    """A black hole between one gateway and Redis"""
    traces = ("websocket_bell_failures_total",)
    async with trial(traces=traces, delivery=BY_THE_LOG_SECONDS) as load:
        node = load.cluster.nodes[2]
        async with load.fault("nothing gets through either way for 10 s, nobody is told"):
            node.redis.fall_silent()
            await load.go_on(9)
            healthy = [each.metrics().get("websocket_bell_healthy") for each in load.cluster.nodes]
            load.demand(
                healthy == [1.0, 1.0, 0.0], f"websocket_bell_healthy is {healthy}, the third is cut off"
            )
            load.writes_went_on()
            node.redis.mend()


async def kill_subscriptions(load: Trial) -> None:
    async with load.fault("CLIENT KILL TYPE pubsub every 2 s, five times"):
        with load.cluster.redis.client() as client:
            for _ in range(5):
                await load.go_on(KILL_EVERY_SECONDS)
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    load.writes_went_on()


@pytest.mark.chaos
async def test_subscriptions_are_killed(trial: MakeTrial) -> None:
    """Subscriptions are killed again and again"""
    async with trial(traces=("websocket_gap_fills_total",), delivery=BY_THE_LOG_SECONDS) as load:
        await kill_subscriptions(load)


@pytest.mark.chaos
@pytest.mark.parametrize("delay", [0.1, 0.3])
async def test_redis_is_slow(trial: MakeTrial, delay: float) -> None:
    """Redis is slow"""
    async with trial(delivery=BY_THE_LOG_SECONDS) as load:
        async with load.fault(f"each chunk to and from Redis waits {delay:g} s, for 7 s"):
            for node in load.cluster.nodes:
                node.redis.slow_down(delay)
            await load.go_on(7)
            await load.watch.look()
            late = late_share(load, delay)
            load.writes_went_on()
            for node in load.cluster.nodes:
                node.redis.mend()
        load.trace(f"share of events handed over later than {delay:g} s after their commit", late)


def late_share(load: Trial, seconds: float) -> float:
    """Of the events that gateways have handed over, those that came later than that."""
    bucket = f'websocket_latency_seconds_bucket{{le="{0.1 if seconds <= 0.1 else 0.25}"}}'
    total = load.watch.moved("websocket_latency_seconds_count")
    return round(1 - load.watch.moved(bucket) / total, 2) if total else 0.0
