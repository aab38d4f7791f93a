"""PgBouncer before a PostgreSQL of the tests, lending its connections out by transaction."""

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

import psycopg

from tests.support.processes import Server, free_port

START_SECONDS = 10
CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={postgres} user=devmentor
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 10
"""


class PgBouncer(Server):
    """`url(name)` is the address of a database of the server behind it. `with` ends it."""

    def __init__(self, postgres: int) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="devmentor-pgbouncer-"))
        (self.folder / "users.txt").write_text('"devmentor" ""\n')
        text = CONFIGURATION.format(postgres=postgres, port=self.port, folder=self.folder)
        (self.folder / "pgbouncer.ini").write_text(text)
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        if user:
            for path in (self.folder, *self.folder.iterdir()):
                shutil.chown(path, user, user)
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "pgbouncer"
        command = [program, str(self.folder / "pgbouncer.ini")]
        super().__init__(command, log=self.folder / "pgbouncer.log", user=user)

    def url(self, database: str) -> str:
        return f"postgres://devmentor@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> "PgBouncer":
        try:
            self.wait_until(self._answers, START_SECONDS)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
