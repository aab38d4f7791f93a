"""What the servers under test stand on: cores, Redis, PostgreSQL, a folder for logs. All of it is stopped."""

import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from tests.support.environment import NO_LIMITS, environment
from tests.support.postgres import Postgres
from tests.support.redis import Redis

SERVER_CORE, OTHERS_CORE = 0, 1
AUTOGROUP = Path("/proc/self/autogroup")
FILES = 20_000  # descriptors: every connection is one here and one at the server
SECRET = "signs the tokens of the benchmarks and of nothing else"  # noqa: S105  guards nothing


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Whatever is started inside runs on that core alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Rig:
    """This process and what it starts stay on one core; a server under test is given the other.

    nice: the priority of all of it and of this session, below 0 (for root) on a machine that others use at
        the same time
    """

    def __init__(self, nice: int = 0) -> None:
        self._running = ExitStack()
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        if nice and AUTOGROUP.exists():  # there sessions share a core first, and only then processes
            AUTOGROUP.write_text(str(nice))
            self._running.callback(AUTOGROUP.write_text, "0")
        os.sched_setaffinity(0, {OTHERS_CORE})
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, most), most))
        try:
            self.folder = Path(self._running.enter_context(tempfile.TemporaryDirectory(prefix="fanout-")))
            self.redis = Redis()
            self._running.callback(self.redis.stop)
            # As in production a commit is on the disk before anybody hears of it.
            self.postgres = Postgres(fsync="on", synchronous_commit="on", full_page_writes="on")
            self._running.callback(self.postgres.stop)
        except BaseException:
            self._running.close()
            raise

    def __enter__(self) -> "Rig":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    @property
    def redis_port(self) -> int:
        return self.redis.port

    def environment(self, **settings: str) -> dict[str, str]:
        """Of a server as it runs in production, with room for every connection."""
        return environment(
            {
                "DEBUG": "false",
                "PYTHONWARNINGS": "",
                "NODE_ENV": "production",
                "JWT_SECRET": SECRET,
                "SECRET_KEY": SECRET,
                "REDIS_URL": self.redis.url,
                "MAX_CONNECTIONS": "100000",
                **NO_LIMITS,
                **settings,
            }
        )
