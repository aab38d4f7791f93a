"""A Redis server for the tests: its own port, nothing written to disk."""

import shutil
import tempfile
from pathlib import Path

import redis

from tests.support.processes import Server, free_port


class Redis:
    """Running from the start; `restart` keeps the port, as a Redis that comes back does."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.folder = Path(tempfile.mkdtemp(prefix="devmentor-redis-"))
        self.server = self._start()

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def restart(self) -> None:
        self.server.stop()
        self.server = self._start()

    def stop(self) -> None:
        self.server.stop()
        shutil.rmtree(self.folder)

    def _start(self) -> Server:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "no"]
        return Server(command, log=self.folder / "redis.log", ready=self._answers).wait_ready()

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
