"""The metrics in Prometheus's text format: of this process, or of all the workers of a gateway together."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic, thread_time

from prometheus_client import REGISTRY, CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

# Where workers put what they count, so that whichever is asked can tell it of all; prometheus_client's name.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


class MetricsPage:
    """What /metrics is answered with. Anybody may ask for it, and it is made on the loop: no more than SHARE
    of the time goes into that, and BURST_SECONDS now and then. Who asks more often gets what was made last,
    with its age.
    """

    SHARE = 0.03
    BURST_SECONDS = 0.5

    def __init__(
        self,
        make: Callable[[], bytes] | None = None,
        clock: Callable[[], float] = monotonic,
        spent: Callable[[], float] = thread_time,
    ) -> None:
        self._make = make or exposition
        self._clock = clock
        self._spent = spent  # of the processor: what others on the machine take is not held against who asks
        self._text: bytes | None = None
        self._left = self.BURST_SECONDS  # of the time that may be spent
        self._at = self._made_at = clock()

    def text(self) -> tuple[bytes, int | None]:
        """The text, and its age in whole seconds where it was not made for this request."""
        now = self._clock()
        self._left = min(self.BURST_SECONDS, self._left + (now - self._at) * self.SHARE)
        self._at = now
        if self._text is None or self._left > 0:
            began = self._spent()
            self._text, self._made_at = self._make(), now
            self._left -= self._spent() - began
            return self._text, None
        return self._text, int(now - self._made_at)


def exposition() -> bytes:
    shared = os.environ.get(SHARED_FOLDER)
    if not shared:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=shared)  # type: ignore[no-untyped-call]
    registry.register(Processes(Path(shared)))
    return generate_latest(registry)


class Processes(Collector):
    """The `process_…` metrics of all workers: sums, but for the earliest start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Metric] = {}
        for pid in self._pids():
            for metric in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                known = found.setdefault(metric.name, metric)
                if known is not metric:
                    known.samples = list(map(_together, known.samples, metric.samples))
        yield from found.values()

    def _pids(self) -> list[int]:
        """Of those that live: when one has ended its supervisor deletes its live gauges."""
        files = self._folder.glob("gauge_livesum_*.db")
        return [int(file.stem.rpartition("_")[2]) for file in files]


def _together(one: Sample, other: Sample) -> Sample:
    started = one.name == "process_start_time_seconds"
    value = min(one.value, other.value) if started else one.value + other.value
    return Sample(one.name, one.labels, value)
