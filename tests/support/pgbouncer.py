"""PgBouncer before a PostgreSQL of the tests, lending its connections out by transaction."""

import os
import shutil
import signal
import tempfile
from functools import partial
from pathlib import Path

from tests.support.postgres import accepts_connections
from tests.support.processes import Server, free_port

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
server_login_retry = 1
"""


class PgBouncer(Server):
    """`url(name)` is the address of a database of the server behind it."""

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
        ready = partial(accepts_connections, self.url("postgres"))
        super().__init__(command, log=self.folder / "pgbouncer.log", user=user, ready=ready)

    def url(self, database: str) -> str:
        return f"postgres://devmentor@127.0.0.1:{self.port}/{database}"

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
        """End it; then its folder goes."""
        status = super().stop(how, seconds)
        shutil.rmtree(self.folder)
        return status
