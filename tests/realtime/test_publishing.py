"""What a process that serves nothing publishes: on one connection, and it waits for no Redis."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from realtime import broadcast
from realtime.eventlog import Event
from tests.support.environment import environment
from tests.support.processes import ROOT, eventually
from tests.support.redis import Redis


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
    redis: Redis, hangs: bool, tmp_path: Path
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
        env=environment({"REDIS_URL": redis.url, "DATABASE_URL": f"sqlite:///{tmp_path}/board.sqlite3"}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    if not hangs:
        assert published(redis) == 20
