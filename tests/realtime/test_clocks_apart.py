"""A machine whose clock is wrong: blocks end at one time for all, and operators are told of the clock."""

import json
import logging
import sys
import time
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from django.db import connection

from realtime import database_clock
from realtime.database_clock import MEASURE_SECONDS, DatabaseClock
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.metrics import read_metric
from tests.support.processes import eventually, run
from tests.support.stack import Stack

AHEAD = 600
PROGRAM = f"""
import datetime, runpy, sys, time
from_system = time.time
time.time = lambda: from_system() + {AHEAD}
import django.utils.timezone
class Ahead(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(seconds={AHEAD})
django.utils.timezone.datetime = Ahead
sys.path[0] = "."
runpy.run_path("manage.py", run_name="__main__")
"""
ADDRESS = "203.0.113.7"
OFFSET = "gateway_clock_offset_seconds"
TOLD = "the clock of this machine is"


def status(gateway: Gateway) -> int:
    asked = {"X-Forwarded-For": ADDRESS}
    return httpx.get(f"{gateway.http_url}/api/realtime/", headers=asked, timeout=10).status_code


@pytest.mark.settings(TRUSTED_PROXIES="127.0.0.0/8")
@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_a_block_ends_at_the_same_time_whatever_a_machines_clock_says(
    own_stack: Stack, tmp_path: Path
) -> None:
    """Where a gateway's clock is ahead, or the one of the shell in which the block was typed."""
    program, there = tmp_path / "ahead.py", own_stack.second
    program.write_text(PROGRAM)
    there.stop()
    there.restart((str(program),))
    assert own_stack.console("block", ADDRESS, "--hours", "0.05").status == 0
    assert [status(gateway) for gateway in own_stack.gateways] == [403, 403]
    command = [sys.executable, str(program), "block", ADDRESS, "--hours", "0.05", "--json"]
    typed = run(command, environment(own_stack.settings))
    ends = datetime.fromisoformat(json.loads(typed)["until"]).timestamp()
    assert 120 < ends - time.time() <= 180
    eventually(
        lambda: read_metric(there.http_url, OFFSET) == pytest.approx(AHEAD, abs=1), what="it to be told"
    )
    assert read_metric(own_stack.first.http_url, OFFSET) == pytest.approx(0, abs=1)
    eventually(lambda: TOLD in there.tail(), what="a line in the log")
    assert f"{TOLD} {AHEAD}.0 s ahead of the database's" in there.tail()
    assert there.log.read_text("utf-8").count(TOLD) == 1


class Times:
    """The clocks of a machine and of its database."""

    def __init__(self) -> None:
        self.own = self.database = 1_000_000.0
        self.monotonic = 50.0

    def pass_by(self, seconds: float) -> None:
        self.own, self.database = self.own + seconds, self.database + seconds
        self.monotonic += seconds


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    found = Times()
    monkeypatch.setattr(database_clock, "_ask", lambda: found.database)
    monkeypatch.setattr(time, "time", lambda: found.own)
    monkeypatch.setattr(time, "monotonic", lambda: found.monotonic)
    return found


def test_a_jump_of_the_own_clock_changes_nothing(times: Times) -> None:
    clock = DatabaseClock()
    assert clock.now() == times.own
    times.own += 5
    clock.measure()
    assert clock.now() == times.database
    times.own += 7200
    times.pass_by(1)
    assert clock.now() == times.database


def test_a_clock_that_is_wrong_is_told_once_and_once_when_it_is_right(
    times: Times, caplog: pytest.LogCaptureFixture
) -> None:
    clock = DatabaseClock()
    with caplog.at_level(logging.WARNING):
        for offset in (0.9, 30.0, 31.0, -30.0, 0.0, 0.0):
            times.own = times.database + offset
            clock.measure()
            times.pass_by(MEASURE_SECONDS)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        f"{TOLD} 30.0 s ahead of the database's: see to its NTP",
        "the clock of this machine agrees with the database's again",
    ]


@pytest.mark.django_db
def test_the_database_tells_its_time() -> None:
    assert connection.vendor == "sqlite" or database_clock._ask() == pytest.approx(time.time(), abs=60)
