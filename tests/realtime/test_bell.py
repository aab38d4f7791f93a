"""The bell on a real Redis: it may be cut off in any way, says so, and hears again by itself."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import REGISTRY

from realtime import bell as bell_module
from realtime import broadcast
from realtime.bell import DEAF_SECONDS, Bell
from realtime.eventlog import Event
from realtime.ringing import BREAK_SECONDS, OUTGOING_MESSAGES, Message, Ringer, ThreadRinger
from tests.realtime.hub_rig import run
from tests.support.environment import environment
from tests.support.processes import ROOT, eventually
from tests.support.redis import Redis

RECOVERY_SECONDS = 6.0  # BREAK_SECONDS, a hand-shake that runs into its time limit (3 s), a canary's way


@pytest.fixture
def redis(settings: Any) -> Iterator[Redis]:
    server = Redis()
    use(settings, server)
    yield server
    server.stop()


def use(settings: Any, *servers: Redis) -> None:
    limits = {"socket_timeout": 3, "socket_connect_timeout": 1}
    settings.REDIS_URLS = [server.url for server in servers]
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [{"address": url, **limits} for url in settings.REDIS_URLS]},
        }
    }


class Listener:
    """One process's bell, and what it has heard from elsewhere."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.bell = Bell(lambda message: self.heard.append(message.get("seq")))

    async def __aenter__(self) -> "Listener":
        self.bell.start()
        self._clock = asyncio.create_task(self._tick())
        await until(lambda: self.bell._channel is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._clock.cancel()
        await self.bell.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)  # the gateway's clock
            await self.bell.mend()


async def until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    """Give the loop its turns until the condition holds; how long it took."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"waited {seconds:g} s in vain"
        await asyncio.sleep(0.01)
    return time.monotonic() - begun


def message(seq: int) -> Message:
    return broadcast.stamped({"kind": "event", "room": "x", "seq": seq})


async def hears(listener: Listener, other: ThreadRinger, group: str, seconds: float = 10.0) -> float:
    """Publish from elsewhere until it is heard; how long that took."""
    seq = max(listener.heard, default=0) + 1

    def heard() -> bool:
        other.ring(group, message(seq))
        return seq in listener.heard

    return await until(heard, seconds)


@pytest.fixture
def elsewhere(redis: Redis) -> Iterator[ThreadRinger]:
    """Another process, that only publishes."""
    other = ThreadRinger(broadcast.layer())
    yield other
    other.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Canaries that come and are missed sooner than in earnest."""
    monkeypatch.setattr(bell_module, "CANARY_SECONDS", 0.2)
    monkeypatch.setattr(bell_module, "DEAF_SECONDS", 1.0)
    monkeypatch.setattr(bell_module, "LOOK_SECONDS", 0.1)


def gauge(name: str) -> float:
    found = REGISTRY.get_sample_value(name)
    assert found is not None
    return found


async def kill(redis: Redis) -> None:
    redis.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")


async def restart(redis: Redis) -> None:
    await asyncio.to_thread(redis.restart)


async def flush(redis: Redis) -> None:
    redis.client().flushall()


@pytest.mark.parametrize("fault", [kill, restart, flush])
def test_it_hears_again_after_its_connection_was_lost(
    redis: Redis, elsewhere: ThreadRinger, fault: Callable[[Redis], Awaitable[None]]
) -> None:
    async def story() -> None:
        async with Listener() as listener:
            for group in ("room.one", "room.two"):
                await listener.bell.subscribe(group)
                await hears(listener, elsewhere, group)
            await fault(redis)
            for group in ("room.one", "room.two", broadcast.ORDERS_GROUP):
                assert await hears(listener, elsewhere, group) < RECOVERY_SECONDS
            await until(lambda: listener.bell.healthy)

    run(story())


def test_subscriptions_that_were_lost_without_a_word_are_noticed_and_made_anew(
    redis: Redis, elsewhere: ThreadRinger, quick: None
) -> None:
    """The layer goes on believing that it is subscribed: nobody but the canary would ever notice."""

    async def story() -> None:
        async with Listener() as listener:
            await listener.bell.subscribe("room.one")
            await hears(listener, elsewhere, "room.one")
            (shard,) = listener.bell._layer._get_layer()._shards
            await shard._pubsub.connection.send_command("UNSUBSCRIBE")  # behind the layer's back
            await until(lambda: not listener.bell.healthy)
            assert gauge("websocket_bell_healthy") == 0
            assert gauge("websocket_canary_age_seconds") > 1
            await hears(listener, elsewhere, "room.one")
            await until(lambda: listener.bell.healthy)
            assert gauge("websocket_bell_healthy") == 1
            assert gauge("websocket_canary_age_seconds") < 1

    run(story())


def test_a_subscription_whose_end_is_unknown_is_not_believed(redis: Redis, elsewhere: ThreadRinger) -> None:
    """Cut off between being sent and being noted, a leave would make the next join deaf for good."""

    async def story() -> None:
        async with Listener() as listener:
            await listener.bell.subscribe("room.one")
            await hears(listener, elsewhere, "room.one")
            (shard,) = listener.bell._layer._get_layer()._shards
            async with shard._lock:  # as a publish that hangs holds it
                await listener.bell.unsubscribe("room.one")
            await listener.bell.subscribe("room.one")
            await until(lambda: listener.bell._subscribed >= listener.bell._wanted)
            await hears(listener, elsewhere, "room.one")
            assert not listener.bell._in_doubt

    run(story())


def test_a_redis_that_hangs_is_seen_holds_nobody_up_and_is_heard_again_soon_after(
    redis: Redis, elsewhere: ThreadRinger
) -> None:
    """No reset, no answer: the connection stays open and everything sent to it is swallowed."""

    async def story() -> None:
        async with Listener() as listener:
            await listener.bell.subscribe("room.one")
            await hears(listener, elsewhere, "room.one")
            await until(lambda: listener.bell.healthy)
            tasks, connections = len(asyncio.all_tasks()), len(redis.client().client_list())
            redis.server.pause()
            assert await until(lambda: not listener.bell.healthy) <= DEAF_SECONDS
            begun = time.monotonic()
            for number in range(50):
                await listener.bell.subscribe(f"room.new{number}")
            await listener.bell.unsubscribe("room.one")
            assert time.monotonic() - begun < 1, "joins wait for a layer that is known to hang"
            for seq in range(2 * OUTGOING_MESSAGES):
                listener.bell.ring("room.one", {"kind": "event", "seq": -seq})
            assert len(listener.bell._ringer._outgoing) <= OUTGOING_MESSAGES
            await asyncio.sleep(DEAF_SECONDS + 1)  # long enough for it to begin anew, more than once
            assert len(asyncio.all_tasks()) <= tasks + 8
            assert not listener.bell.healthy
            redis.server.resume()
            assert await until(lambda: listener.bell.healthy) < RECOVERY_SECONDS
            for group in ("room.new0", "room.new49", broadcast.ORDERS_GROUP):
                await hears(listener, elsewhere, group)
            assert len(redis.client().client_list()) <= connections + 2
            elsewhere.ring("room.one", message(999))
            await hears(listener, elsewhere, "room.new1")
            assert 999 not in listener.heard, "the room that was left meanwhile is still subscribed to"

    run(story())


def test_one_of_several_servers_that_is_deaf_is_seen(redis: Redis, settings: Any, quick: None) -> None:
    """Rooms are spread over them: a canary on another one sings for nobody here."""
    second = Redis()
    use(settings, redis, second)

    async def story() -> None:
        async with Listener() as listener:
            await until(lambda: listener.bell.healthy)
            for server in (redis, second):
                server.server.pause()
                await until(lambda: not listener.bell.healthy)
                server.server.resume()
                await until(lambda: listener.bell.healthy)

    try:
        run(story())
    finally:
        second.stop()


def test_a_layer_of_the_process_itself_is_always_heard() -> None:
    async def story() -> None:
        async with Listener() as listener:
            assert listener.bell.distributed is False
            assert gauge("websocket_bell_healthy") == 1
            assert gauge("websocket_canary_age_seconds") == 0

    run(story())


# --- Processes that do not serve ------------------------------------------------------------------


def event(seq: int) -> Event:
    return Event(seq, "note:written", "{}", datetime.now(UTC))


@pytest.fixture
def outside(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process serves nothing, and has published nothing yet."""
    monkeypatch.setattr(broadcast, "_serving", None)
    monkeypatch.setattr(broadcast, "_outside", None)
    yield
    if broadcast._outside is not None:
        broadcast._outside.close()


def published(redis: Redis) -> int:
    stats: Any = redis.client().info("commandstats")
    return stats.get("cmdstat_publish", {}).get("calls", 0)


def test_a_thousand_events_of_a_command_leave_in_one_connection(redis: Redis, outside: None) -> None:
    before: Any = redis.client().info()
    for seq in range(1000):
        broadcast.publish("board:x", event(seq))
    eventually(lambda: published(redis) == 1000, what="all of them to have left")
    after: Any = redis.client().info()
    opened = after["total_connections_received"] - before["total_connections_received"]
    assert opened < 100, "beside those that this test looks with, one"


def test_threads_may_publish_at_once_and_share_one_bell(redis: Redis, outside: None) -> None:
    together = threading.Barrier(8)

    def write() -> None:
        together.wait()
        for seq in range(50):
            broadcast.publish("board:x", event(seq))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: published(redis) == 400, what="all of them to have left")
    assert [thread.name for thread in threading.enumerate()].count("bell") == 1


def test_a_redis_that_hangs_costs_a_command_nothing(redis: Redis, outside: None) -> None:
    broadcast.publish("board:x", event(0))
    eventually(lambda: published(redis) == 1, what="the first to have left")
    redis.server.pause()
    begun = time.monotonic()
    for seq in range(1000):
        broadcast.publish("board:x", event(seq))
    assert time.monotonic() - begun < 1
    redis.server.resume()

    def goes_on() -> bool:
        broadcast.publish("board:x", event(1))
        return published(redis) > 100

    eventually(goes_on, 10, "it to go on")


@pytest.mark.parametrize("hangs", [False, True])
def test_a_command_that_ends_lets_its_last_event_leave_and_waits_for_no_hung_redis(
    redis: Redis, hangs: bool
) -> None:
    script = (
        "import django; django.setup()\n"
        "from datetime import UTC, datetime\n"
        "from realtime import broadcast\n"
        "from realtime.eventlog import Event\n"
        "for seq in range(20): broadcast.publish('board:x', Event(seq, 'a:b', '{}', datetime.now(UTC)))\n"
    )
    if hangs:
        redis.server.pause()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=ROOT,
        env=environment({"REDIS_URL": redis.url, "DATABASE_URL": "sqlite:///unused.sqlite3"}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    if not hangs:
        assert published(redis) == 20


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
