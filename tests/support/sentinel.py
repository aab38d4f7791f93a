"""A Redis that is watched by a Sentinel: a master, a replica that takes over, and who decides."""

import shutil
import signal
import tempfile
from pathlib import Path

import redis

from tests.support.processes import START_SECONDS, Server, eventually, free_port
from tests.support.redis import Redis

MASTER = "mymaster"
CONFIGURATION = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {master} 127.0.0.1 {redis} 1
sentinel down-after-milliseconds {master} 500
sentinel failover-timeout {master} 3000
"""


class Sentinel(Server):
    """`url` is what `REDIS_URL` takes. `fail_over` ends the master and returns once the replica is it."""

    def __init__(self) -> None:
        self.master, self.replica = Redis(), Redis()
        self.folder = Path(tempfile.mkdtemp(prefix="devmentor-sentinel-"))
        self.port = free_port()
        with self.replica.client() as client:
            client.replicaof("127.0.0.1", self.master.port)
            eventually(lambda: client.info("replication")["master_link_status"] == "up", START_SECONDS)
        text = CONFIGURATION.format(port=self.port, folder=self.folder, master=MASTER, redis=self.master.port)
        (self.folder / "sentinel.conf").write_text(text)
        command = ["redis-server", str(self.folder / "sentinel.conf"), "--sentinel"]
        super().__init__(command, log=self.folder / "sentinel.log", ready=self._knows_the_replica)
        # The first of them is not there, as one of three may be at any time.
        self.url = f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.port}/{MASTER}/0"

    def fail_over(self) -> None:
        self.master.server.kill()
        eventually(lambda: self._asked(MASTER)["port"] == self.replica.port, 20, "the failover")

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
        """End all three; then its folder goes."""
        status = super().stop(how, seconds)
        for server in (self.master, self.replica):
            server.stop()
        shutil.rmtree(self.folder)
        return status

    def _knows_the_replica(self) -> bool:
        try:
            return self._asked(MASTER)["num-slaves"] == 1
        except redis.RedisError:
            return False

    def _asked(self, master: str) -> dict[str, int]:
        with redis.Redis(port=self.port, socket_timeout=5) as client:
            found: dict[str, int] = client.sentinel_master(master)
            return found
