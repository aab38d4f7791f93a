"""The bell on a real Redis: it may be cut off in any way, says so, and hears again by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from prometheus_client import REGISTRY

from realtime import bell as bell_module
from realtime import broadcast, installation
from realtime.bell import DEAF_SECONDS
from realtime.ringing import OUTGOING_MESSAGES, Message, ThreadRinger
from realtime.signed_layer import WINDOW, Replays
from tests.realtime.bell_rig import Listener, hears, message, use
from tests.realtime.hub_rig import run
from tests.support.redis import Redis
from tests.support.waiting import until

RECOVERY_SECONDS = 6.0  # BREAK_SECONDS, a hand-shake that runs into its time limit (3 s), a canary's way


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
    monkeypatch.setattr(bell_module, "LET_GO_SECONDS", 0.2)


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
            await until(lambda: gauge("websocket_bell_healthy") == 0)
            assert gauge("websocket_canary_age_seconds") > 1
            await hears(listener, elsewhere, "room.one")
            await until(lambda: listener.bell.healthy)
            await until(lambda: gauge("websocket_bell_healthy") == 1)
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


def test_a_group_that_is_let_go_while_it_is_subscribed_to_does_not_stay(
    redis: Redis, elsewhere: ThreadRinger
) -> None:
    """Nobody would ever give it up: the process would hear, for good, a room that nobody is in."""

    async def story() -> None:
        async with Listener() as listener:
            (shard,) = listener.bell._layer._get_layer()._shards
            async with shard._lock:  # as a publish that takes its time holds it
                subscribing = asyncio.create_task(listener.bell.subscribe("room.one"))
                await until(lambda: "room.one" in listener.bell._wanted)
                assert not subscribing.done()
                await listener.bell.unsubscribe("room.one")
            await subscribing
            await listener.bell.subscribe("room.two")
            elsewhere.ring("room.one", message(999))
            await hears(listener, elsewhere, "room.two")
            assert 999 not in listener.heard
            assert "room.one" not in listener.bell._subscribed

    run(story())


def test_many_subscriptions_wait_for_a_slow_server_together_and_not_one_after_the_other(redis: Redis) -> None:
    async def story() -> None:
        async with Listener() as listener:
            (shard,) = listener.bell._layer._get_layer()._shards
            publishing = asyncio.create_task(hold_in_turns(shard._lock, 0.2))
            listener.bell._wanted |= {f"room.{number}" for number in range(100)}
            begun = time.monotonic()
            await listener.bell.mend()
            publishing.cancel()
            assert listener.bell._subscribed >= listener.bell._wanted
            assert time.monotonic() - begun < 3, "100 publishes long"

    run(story())


async def hold_in_turns(lock: asyncio.Lock, seconds: float) -> None:
    """As publishes do it whose answers take so long, one after the other."""
    while True:
        async with lock:
            await asyncio.sleep(seconds)


def test_a_slow_server_is_not_taken_for_a_deaf_one(
    redis: Redis, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its canaries would wait behind all the events, and the subscriptions be made anew for ever."""

    async def story() -> None:
        async with Listener() as listener:
            await until(lambda: listener.bell.healthy)
            begun, sent = listener.bell._begun_at, listener.bell._ringer._send

            async def slowly(group: str, message: Message) -> bool:
                await asyncio.sleep(0.3)
                return await sent(group, message)

            monkeypatch.setattr(listener.bell._ringer, "_send", slowly)
            end = time.monotonic() + 3 * bell_module.DEAF_SECONDS
            while time.monotonic() < end:
                listener.bell.ring("room.one", {"kind": "event", "seq": -1})
                assert listener.bell.healthy
                await asyncio.sleep(0.05)
            assert listener.bell._begun_at == begun

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


@pytest.mark.parametrize("turns", range(6))
def test_it_stops_also_in_the_moment_in_which_a_publish_is_done(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """`asyncio.wait_for` drops a cancellation that comes then: a process that is to end would not."""

    async def story() -> None:
        async with Listener() as listener:
            begun, taken = asyncio.Event(), asyncio.Event()

            async def publish(*_: object) -> None:
                begun.set()
                await taken.wait()

            monkeypatch.setattr(listener.bell._layer, "group_send", publish)
            listener.bell.ring("room.one", message(1))
            await begun.wait()
            taken.set()
            for _ in range(turns):
                await asyncio.sleep(0)
            for task in listener.bell._tasks:
                task.cancel()
            _, going_on = await asyncio.wait(listener.bell._tasks, timeout=5)
            assert not going_on

    run(story())


def test_it_stops_also_where_a_library_drops_the_cancellation(
    redis: Redis, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with Listener() as listener:
            begun = asyncio.Event()

            async def publish(*_: object) -> None:
                begun.set()
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()

            monkeypatch.setattr(listener.bell._layer, "group_send", publish)
            listener.bell.ring("room.one", message(1))
            await begun.wait()
            async with asyncio.timeout(5):
                await listener.bell.stop()

    run(story())


def test_a_connection_that_cannot_even_be_given_up_does_not_keep_it_deaf(
    redis: Redis, elsewhere: ThreadRinger, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with Listener() as listener:
            layer, hanging = listener.bell._layer, asyncio.Event()

            async def flush_that_hangs() -> None:
                while True:
                    with suppress(asyncio.CancelledError):
                        await hanging.wait()
                        break

            await listener.bell.subscribe("room.one")
            await hears(listener, elsewhere, "room.one")
            with monkeypatch.context() as patch:
                patch.setattr(layer, "flush", flush_that_hangs)
                listener.bell._in_doubt = True
                channel = listener.bell._channel
                await until(lambda: listener.bell._channel not in (None, channel))
            await hears(listener, elsewhere, "room.one")
            hanging.set()

    run(story())


def test_it_hears_by_other_names_once_the_database_has_moved(
    redis: Redis, elsewhere: ThreadRinger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To another cluster, by an upgrade or a logical replica, while the process lives."""

    async def story() -> None:
        async with Listener() as listener:
            await listener.bell.subscribe("room.one")
            await hears(listener, elsewhere, "room.one")
            await until(lambda: listener.bell.healthy)
            before, names = installation.known(), redis.client().pubsub_channels()
            monkeypatch.setattr(installation, "_database", lambda: "another cluster's")
            await listener.bell.look()
            assert installation.known() != before
            await hears(listener, elsewhere, "room.one")
            await until(lambda: listener.bell.healthy)
            assert not set(names) & set(redis.client().pubsub_channels())

    run(story())


def test_a_message_counts_once_whatever_order_the_messages_of_a_sender_come_in() -> None:
    replays = Replays()
    assert all(replays.is_new(b"one", number) for number in (5, 3, 4, 900, 1))
    assert not any(replays.is_new(b"one", number) for number in (1, 3, 4, 5, 900))
    assert replays.is_new(b"two", 5)
    assert replays.is_new(b"one", 900 + WINDOW)
    assert not replays.is_new(b"one", 900), "too long ago to be known"
    assert replays.is_new(b"one", 901)


def test_a_layer_of_the_process_itself_is_always_heard() -> None:
    async def story() -> None:
        async with Listener() as listener:
            assert listener.bell.distributed is False
            await until(lambda: gauge("websocket_bell_healthy") == 1)
            assert gauge("websocket_canary_age_seconds") == 0

    run(story())
