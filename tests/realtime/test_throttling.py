"""Limits a minute, of handshakes and of REST calls: nobody gets around them, and they cost little."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.quotas import TokenBuckets


def test_a_bucket_holds_a_minutes_worth_and_refills_evenly() -> None:
    buckets = TokenBuckets(60)
    assert sum(buckets.take("a", 0.0) for _ in range(100)) == 60
    assert buckets.take("b", 0.0)
    assert [buckets.take("a", 0.9), buckets.take("a", 1.5), buckets.take("a", 1.6)] == [False, True, False]


def test_zero_is_no_limit() -> None:
    buckets = TokenBuckets(0)
    assert all(buckets.take("a", 0.0) for _ in range(1000))
    assert buckets.wait("a", 0.0) == 0


@given(per_minute=st.integers(1, 1000), pauses=st.lists(st.floats(0, 30), max_size=40))
def test_who_waits_as_long_as_told_is_let_through_and_not_before(
    per_minute: int, pauses: list[float]
) -> None:
    buckets, now = TokenBuckets(per_minute), 0.0
    for pause in pauses:
        now += pause
        while buckets.take("a", now):
            assert buckets.wait("a", now) <= 60 / per_minute
        wait = buckets.wait("a", now)
        assert 0 < wait <= 60 / per_minute + 1e-6
        assert not buckets.take("a", now + wait * 0.9)
        now += wait + 1e-6
        assert buckets.take("a", now)


def test_addresses_that_went_away_are_forgotten() -> None:
    """Else whoever rotates addresses fills the memory of the gateway."""
    buckets = TokenBuckets(60)
    for number in range(10_000):
        buckets.take(str(number), 0.0)
    buckets.take("0", 59.5)  # the first of all has one taken still
    for number in range(5_000):
        buckets.take(f"later {number}", 60.0)
    assert len(buckets) == 5_001


def test_what_is_counted_is_not_forgotten_for_the_sake_of_what_comes() -> None:
    """A cache of 300 keys gave everybody a fresh start as soon as there were 300 users."""
    buckets = TokenBuckets(1)
    assert buckets.take("a", 0.0)
    for number in range(50_000):
        buckets.take(str(number), number / 1000)
    assert not buckets.take("a", 50.0)


def test_however_many_addresses_come_within_a_minute_the_table_is_bounded() -> None:
    buckets = TokenBuckets(2)
    buckets.MOST_KEYS = 1000
    for number in range(5000):
        buckets.take(str(number), number / 1000)
    assert len(buckets) == 1000
    assert buckets.take("4999", 5.0)
    assert not buckets.take("4999", 5.0), "the newest are those that are kept"


def test_a_hundred_thousand_addresses_cost_each_as_little_as_ten() -> None:
    """Once 10,000 had come within a minute the table was rebuilt at each take: 0.7 ms on the loop."""
    buckets = TokenBuckets(6000)
    for number in range(TokenBuckets.MOST_KEYS):
        buckets.take(str(number), 0.0)
    begun = time.process_time()
    for number in range(10_000):
        buckets.take(f"new {number}", 0.001)
    assert (time.process_time() - begun) / 10_000 < 50e-6
    assert len(buckets) == TokenBuckets.MOST_KEYS


@pytest.mark.parametrize("threads", [8])
def test_threads_that_take_at_once_take_no_more_than_there_is(threads: int) -> None:
    buckets = TokenBuckets(1000)
    with ThreadPoolExecutor(threads) as pool:
        taken = list(pool.map(lambda _: buckets.take("a", 0.0), range(threads * 500)))
    assert sum(taken) == 1000
