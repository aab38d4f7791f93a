"""The metrics in Prometheus's text format: of this process, or of all the workers of a gateway together."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

# Where workers put what they count, so that whichever is asked can tell it of all; prometheus_client's name.
SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


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
