"""What the overview's charts are drawn from: every few seconds each gateway writes down what it did in them.

Prometheus keeps the long history; this is for the operator who has only the admin, and is kept for a day.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now
from prometheus_client import Counter

from realtime import metrics
from realtime.leases import Holder
from realtime.models import GatewaySample

SAMPLE_SECONDS = 10.0
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Sample:
    """Of `seconds` of one gateway. `latencies`: events by the upper bound of their bucket, in seconds."""

    seconds: float
    connections: int
    frames: int
    errors: int
    latencies: dict[str, int]


class Sampler:
    """Tells what this process's metrics have counted since it was last asked."""

    def __init__(self) -> None:
        self._at = time.monotonic()
        self._totals = _totals()

    def take(self, connections: int) -> Sample:
        now, totals = time.monotonic(), _totals()
        grown = {name: count - self._totals.get(name, 0) for name, count in totals.items()}
        sample = Sample(
            seconds=round(now - self._at, 3),
            connections=connections,
            frames=int(grown.pop("frames")),
            errors=int(grown.pop("errors")),
            latencies={bound: int(count) for bound, count in grown.items() if count},
        )
        self._at, self._totals = now, totals
        return sample


def _totals() -> dict[str, float]:
    """Frames, errors, and the events of each latency bucket, which are no longer cumulative."""
    found = {"frames": _sum(metrics.MESSAGES), "errors": _sum(metrics.ERRORS)}
    below = 0.0
    for metric in metrics.LATENCY.collect():
        for sample in metric.samples:
            if sample.name.endswith("_bucket"):
                found[sample.labels["le"]] = sample.value - below
                below = sample.value
    return found


def _sum(counter: Counter) -> float:
    return sum(s.value for metric in counter.collect() for s in metric.samples if s.name.endswith("_total"))


def write(holder: Holder, sample: Sample) -> None:
    GatewaySample.objects.create(
        gateway_id=holder.instance,
        at=Now(),
        seconds=sample.seconds,
        connections=sample.connections,
        frames=sample.frames,
        errors=sample.errors,
        latencies=sample.latencies,
    )


def forget() -> int:
    """Delete what is too old; how many went."""
    return GatewaySample.objects.filter(at__lt=Now() - KEPT).delete()[0]


@dataclass(frozen=True, slots=True)
class Point:
    """All gateways together at one moment; None where no gateway has told anything, `p99` also where no event
    passed. Rates per second, `p99` in seconds.
    """

    at: datetime
    connections: int | None = None
    frames: float | None = None
    errors: float | None = None
    p99: float | None = None


def points(now: datetime, span: timedelta, count: int) -> list[Point]:
    """`count` points over the span up to now, the oldest first."""
    step = span / count
    bins: dict[int, list[GatewaySample]] = defaultdict(list)
    for sample in GatewaySample.objects.filter(at__gt=now - span, at__lte=now).order_by("at"):
        bins[min(count - 1, int((sample.at - (now - span)) / step))].append(sample)
    return [_point(now - span + step * (place + 1), bins[place]) for place in range(count)]


def _point(at: datetime, samples: list[GatewaySample]) -> Point:
    if not samples:
        return Point(at)
    # One that has ended since has left its sockets to others, which count them now.
    last = samples[-1].at - timedelta(seconds=1.5 * SAMPLE_SECONDS)
    newest = {sample.gateway_id: sample.connections for sample in samples if sample.at > last}
    seconds: dict[str, float] = defaultdict(float)
    for sample in samples:
        seconds[sample.gateway_id] += sample.seconds
    longest = max(seconds.values(), default=0.0) or 1.0
    return Point(
        at,
        sum(newest.values()),
        sum(sample.frames for sample in samples) / longest,
        sum(sample.errors for sample in samples) / longest,
        quantile(0.99, (sample.latencies for sample in samples)),
    )


def quantile(share: float, histograms: Iterable[Mapping[str, Any]]) -> float | None:
    """The upper bound, in seconds, of the bucket in which that share of all events lies; None for no event.

    What took longer than the largest bound counts as that.
    """
    counts: dict[str, int] = defaultdict(int)
    for histogram in histograms:
        for bound, count in histogram.items():
            counts[bound] += count
    total = sum(counts.values())
    if not total:
        return None
    seen = 0
    for bound in sorted(counts, key=float):
        seen += counts[bound]
        if seen >= share * total:
            return min(float(bound), metrics.LATENCY_BOUNDS[-1])
    raise AssertionError("never reached")
