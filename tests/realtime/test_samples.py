"""The points of the overview's charts: what the metrics have counted, as an operator reads it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime import leases, metrics, samples
from realtime.control_room.charts import chart
from realtime.leases import Condition, Holder
from realtime.models import GatewaySample
from realtime.samples import Sampler, quantile

BOUNDS = [f"{bound:g}" for bound in metrics.LATENCY_BOUNDS]


def test_a_sample_holds_what_was_counted_since_the_last_one() -> None:
    sampler = Sampler()
    metrics.count_out("heartbeat", 3)
    metrics.count_in("ping")
    metrics.ERRORS.labels("bad-frame").inc(2)
    for seconds in (0.0004, 0.02, 0.02, 100):
        metrics.LATENCY.observe(seconds)
    sample = sampler.take(connections=7)
    assert (sample.connections, sample.frames, sample.errors) == (7, 4, 2)
    assert {float(bound): count for bound, count in sample.latencies.items()} == {
        0.001: 1,
        0.025: 2,
        float("inf"): 1,
    }
    again = sampler.take(connections=7)
    assert (again.frames, again.errors, again.latencies) == (0, 0, {})


@given(st.dictionaries(st.sampled_from([*BOUNDS, "+Inf"]), st.integers(1, 50), min_size=1))
def test_the_quantile_is_the_bound_that_so_many_are_not_above(histogram: dict[str, int]) -> None:
    each = sorted(float(bound) for bound, count in histogram.items() for _ in range(count))
    wanted = each[-(-99 * len(each) // 100) - 1]  # the smallest that 99 of 100 are not above
    assert quantile(0.99, [histogram]) == min(wanted, metrics.LATENCY_BOUNDS[-1])


def test_of_no_event_there_is_no_quantile() -> None:
    assert quantile(0.99, [{}, {}]) is None


@pytest.mark.django_db(transaction=True)
def test_points_add_up_the_gateways_of_each_moment() -> None:
    now = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    for instance, connections, frames in (("one", 10, 100), ("two", 5, 50)):
        holder = Holder(instance, "1", "host", 1)
        leases.take(holder, Condition(connections, bell_healthy=True))
        samples.write(holder, samples.Sample(10.0, connections, frames, 0, {"0.01": 4}))
        GatewaySample.objects.filter(gateway=instance).update(at=now - timedelta(seconds=5))
    *before, last = samples.points(now, timedelta(minutes=10), 10)
    assert (last.connections, last.frames, last.p99) == (15, 15.0, 0.01)
    # One that ended half a minute before counts with its frames, and no longer with its sockets.
    GatewaySample.objects.filter(gateway="two").update(at=now - timedelta(seconds=35))
    *before, last = samples.points(now, timedelta(minutes=10), 10)
    assert (last.connections, last.frames) == (10, 15.0)
    assert all(point.connections is None and point.p99 is None for point in before)


def test_a_chart_says_in_words_what_it_draws_and_breaks_its_line_where_nothing_is_known() -> None:
    found = chart("Connections", [1.0, 4.0, None, 2.0])
    assert found.described == "Connections: 2 now, 4 at the most in the last hour"
    assert len(found.lines) == 2
    assert chart("Latency", [None, None], "ms").described == "Latency: — now, — at the most in the last hour"
    assert chart("Errors", []).lines == []
