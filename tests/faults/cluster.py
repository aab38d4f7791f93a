"""The service as in production, in small: PostgreSQL, Redis, three gateways, a balancer before them."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.faults.links import Link, Links
from tests.support.environment import NO_LIMITS
from tests.support.gateway import Gateway
from tests.support.postgres import Postgres
from tests.support.raw_http import get
from tests.support.redis import Redis
from tests.support.stack import seed

GATEWAYS = 3
SETTINGS = {
    **NO_LIMITS,
    "DRAIN_WINDOW": "3000",
    "CONNECTION_TIMEOUT": "6000",
    "POLL_INTERVAL": "250",
    "MAX_CONNECTIONS": "2000",
}
SERIES = re.compile(r"^([a-z_:]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", re.MULTILINE | re.IGNORECASE)

Metrics = dict[str, float]


@dataclass(frozen=True, slots=True)
class Node:
    """A gateway with its own lines to the database and to Redis."""

    gateway: Gateway
    database: Link
    redis: Link

    @property
    def memory(self) -> int:
        """Resident bytes, 0 once it has ended."""
        try:
            status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        except OSError:
            return 0
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def metrics(self) -> Metrics:
        """What it tells Prometheus, by series; empty while it does not answer."""
        try:
            text = get(f"{self.gateway.http_url}/metrics", seconds=1).body.decode()
        except OSError:
            return {}
        return {name: float(value) for name, value in SERIES.findall(text)}


class Cluster:
    """Started once for all trials; `heal` makes it whole again between them."""

    def __init__(self, folder: Path) -> None:
        self.links = Links()
        # A commit that was answered is in the server's files: what a crash of the server must not lose.
        self.postgres = Postgres(synchronous_commit="on")
        seed(self.postgres.create("board"))
        self.redis = Redis()
        self.nodes = [self._node(folder) for _ in range(GATEWAYS)]
        for node in self.nodes:
            node.gateway.wait_ready()
        ports = [node.gateway.port for node in self.nodes]
        self._front = self.links.open(*ports)
        # Socket.IO's polling is many requests of one session: they must all reach the same gateway.
        self._sticky_front = self.links.open(*ports, sticky=True)

    @property
    def url(self) -> str:
        """Where the balancer listens."""
        return f"http://127.0.0.1:{self._front.port}"

    @property
    def sticky_url(self) -> str:
        """Where the balancer listens that sends everybody to the same gateway, while it is ready."""
        return f"http://127.0.0.1:{self._sticky_front.port}"

    @property
    def fronts(self) -> tuple[Link, Link]:
        """All ways that clients come."""
        return self._front, self._sticky_front

    def _node(self, folder: Path) -> Node:
        database, redis = self.links.open(self.postgres.port), self.links.open(self.redis.port)
        settings = {
            **SETTINGS,
            "DATABASE_URL": f"postgres://devmentor@127.0.0.1:{database.port}/board",
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        }
        return Node(Gateway(settings, folder), database, redis)

    def heal(self) -> None:
        """Every link whole, every process running, each gateway ready and in its plain form."""
        for link in (*self.fronts, *(link for node in self.nodes for link in (node.database, node.redis))):
            link.mend()
        self.redis.server.resume()
        for node in self.nodes:
            if node.gateway.altered and node.gateway.running:
                node.gateway.stop()
            if not node.gateway.running:
                node.gateway.restart()
        for node in self.nodes:
            node.gateway.wait_ready()

    def stop(self) -> None:
        for node in self.nodes:
            node.gateway.kill()
        self.redis.stop()
        self.postgres.stop()
        self.links.close()
