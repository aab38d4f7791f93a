"""A PostgreSQL server for the tests: its own folder, its own port, nothing kept."""

import os
import shutil
import signal
import subprocess
import tempfile
from functools import partial
from pathlib import Path

import psycopg

from tests.support.processes import Server, eventually, free_port

START_SECONDS = 30
# A power cut may lose the tests' data, so no write waits for the disk.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
}


class Postgres:
    """`url(name)` is the address of one of its databases; `create` makes one, by copying if asked to.

    `settings` are its own, beyond those of a server whose data nobody needs.
    """

    def __init__(self, port: int | None = None, **settings: str) -> None:
        self.port = port or free_port()
        self._settings = {**_SETTINGS, **settings}
        # initdb and postgres refuse to run as root; the folder then belongs to the package's own user.
        self._user = "postgres" if os.geteuid() == 0 else None
        # Not below pytest's temporary folder: that one is closed to other users.
        self.folder = Path(tempfile.mkdtemp(prefix="devmentor-postgres-"))
        if self._user:
            shutil.chown(self.folder, self._user, self._user)
        self._initialise()
        self.server = self._start()

    def url(self, database: str) -> str:
        return f"postgres://devmentor@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make a database, empty or a copy of `template` (which nobody may be connected to); its address."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    psycopg.sql.Identifier(database), psycopg.sql.Identifier(template)
                )
            )
        return self.url(database)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it (SIGINT: fast, sessions are cut; SIGQUIT: as a crash) and start it again on its port."""
        self.server.stop(how)
        self.server = self._start()

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, the server ends; then its folder goes."""
        self.server.stop(signal.SIGINT)
        shutil.rmtree(self.folder)

    def _initialise(self) -> None:
        self._run(
            *("initdb", "--pgdata", self.folder / "data", "--username", "devmentor"),
            *("--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
        )

    def _run(self, program: str, *arguments: str | Path) -> None:
        made = subprocess.run(
            [_binary(program), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
        )
        if made.returncode:
            raise RuntimeError(f"{program} failed:\n{made.stdout}{made.stderr}")

    def _start(self) -> Server:
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Server(
            [str(_binary("postgres")), "-D", str(self.folder / "data"), *options],
            log=self.folder / "postgres.log",
            user=self._user,
            ready=partial(accepts_connections, self.url("postgres")),
            start_seconds=START_SECONDS,
        ).wait_ready()


class Standby(Postgres):
    """A copy of a server that follows it, until it takes over from it."""

    def __init__(self, primary: Postgres) -> None:
        self._primary = primary
        super().__init__()

    def fall_behind(self) -> None:
        """Receive all that the primary has, and nothing of what comes to it after this."""
        with (
            psycopg.connect(self._primary.url("postgres")) as primary,
            psycopg.connect(self.url("postgres"), autocommit=True) as standby,
        ):
            (reached,) = primary.execute("SELECT pg_current_wal_lsn()").fetchone() or ("",)
            replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
            eventually(lambda: standby.execute(replayed, [reached]).fetchone() == (True,), 10)
            standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
            standby.execute("SELECT pg_reload_conf()")
            receivers = "SELECT count(*) FROM pg_stat_wal_receiver"
            eventually(lambda: standby.execute(receivers).fetchone() == (0,), 10)

    def take_over(self) -> None:
        """Become the primary, at the address of the one that has ended, as after a failover."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        self.server.stop(signal.SIGINT)
        self.port = self._primary.port
        self.server = self._start()

    def _initialise(self) -> None:
        self._run(
            *("pg_basebackup", "--pgdata", self.folder / "data", "--username", "devmentor", "--no-sync"),
            *("--host", "127.0.0.1", "--port", str(self._primary.port)),
            *("--checkpoint", "fast", "--write-recovery-conf"),
        )


def accepts_connections(url: str) -> bool:
    """Whether the database at that address can be connected to now."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _binary(name: str) -> Path:
    """Where a server program is: on the PATH, or where Debian keeps it, the newest version first."""
    if found := shutil.which(name):
        return Path(found)
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: -float(path.parts[4])
    )
    if not versions:
        raise FileNotFoundError(f"{name} not found; `make test` installs PostgreSQL")
    return versions[0]
