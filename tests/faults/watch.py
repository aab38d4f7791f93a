"""What the gateways tell of themselves while a trial runs: memory and metrics, of the dead the last word."""

import asyncio

from tests.faults.cluster import Cluster, Metrics, Node

LOOK_SECONDS = 0.4


class Watch:
    """Looks at every gateway process again and again. What moved is counted from the last `mark`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._marked: dict[int, Metrics] = {}
        self._last: dict[int, Metrics] = {}
        self._memory: dict[int, list[int]] = {}

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(self._look_at, node) for node in self._cluster.nodes))

    async def mark(self) -> None:
        """Only what moves from here on counts."""
        await self.look()
        self._marked = {pid: dict(metrics) for pid, metrics in self._last.items()}

    def _look_at(self, node: Node) -> None:
        pid = node.gateway.process.pid
        if (metrics := node.metrics()) and (memory := node.memory):
            self._memory.setdefault(pid, []).append(memory)  # it serves: what it grows by now is the load's
            self._last[pid] = metrics

    def moved(self, series: str, *nodes: Node) -> float:
        """By how much the sum of all series that begin so has grown, at these gateways or at all."""
        pids = {node.gateway.process.pid for node in nodes} or self._last.keys()
        return sum(
            value - self._marked.get(pid, {}).get(name, 0.0)
            for pid in pids
            for name, value in self._last.get(pid, {}).items()
            if name.startswith(series)
        )

    def growth(self) -> dict[str, int]:
        """Bytes that each process has grown by at its largest."""
        return {f"gateway {pid}": max(seen) - seen[0] for pid, seen in self._memory.items()}
