"""Which database and channel layer the tests inside this process use, chosen before Django is set up.

Always the rig's own, never the one that `DATABASE_URL` of the shell names.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import django

from tests.support.environment import environment
from tests.support.postgres import Postgres
from tests.support.processes import free_port
from tests.support.redis import Redis

CHOICES = ("sqlite", "postgresql")


class InProcess:
    """`prepare` fixes the addresses, without a server yet; `start` starts what answers there."""

    def __init__(self, choice: str) -> None:
        self.choice = choice
        self.folder = Path(tempfile.mkdtemp(prefix="devmentor-tests-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._postgres_port, self._redis_port = free_port(), free_port()
        self._running = ExitStack()

    def prepare(self) -> None:
        os.environ.update(environment(self._settings()))
        django.setup()
        # A worker of pytest-xdist inherits the environment: with this in it pytest-django would set Django up
        # there with the addresses of the process that started it.
        del os.environ["DJANGO_SETTINGS_MODULE"]

    def start(self) -> None:
        if self.choice == "postgresql":
            self._running.callback(Postgres(self._postgres_port).stop)
            self._running.callback(Redis(self._redis_port).stop)

    def stop(self) -> None:
        self._running.close()

    def _settings(self) -> dict[str, str]:
        if self.choice == "postgresql":
            return {
                "DATABASE_URL": f"postgres://devmentor@127.0.0.1:{self._postgres_port}/devmentor",
                "REDIS_URL": f"redis://127.0.0.1:{self._redis_port}/0",
            }
        return {"DATABASE_URL": f"sqlite:///{self.folder / 'tests.sqlite3'}"}
