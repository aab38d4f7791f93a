"""A service to measure: PostgreSQL, Redis and gateways as an operator runs them, and their processor time.

Used with `with`; all of it is started for the run and gone after it.
"""

import os
import platform
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import psycopg

from tests.support.environment import NO_LIMITS, environment
from tests.support.gateway import Gateway
from tests.support.postgres import Postgres
from tests.support.redis import Redis

# As PostgreSQL comes: an answered write has reached the disk. The tests' own servers do not wait for it.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
STATEMENTS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track_utility": "on"}
RESULTS = Path(__file__).parent / "results"
COLUMNS = 3
GAP = 2**32
_TICKS = os.sysconf("SC_CLK_TCK")


class Service:
    """`program` stands for manage.py; `settings` are the gateways' environment beyond the rig's own."""

    def __init__(
        self,
        *,
        gateways: int = 1,
        durable: bool = True,
        program: tuple[str, ...] = ("manage.py",),
        settings: dict[str, str] | None = None,
    ) -> None:
        self._resources = ExitStack()
        folder = self._resources.enter_context(tempfile.TemporaryDirectory(prefix="devmentor-bench-"))
        self._folder = Path(folder)
        self.postgres = Postgres(None, **STATEMENTS, **(DURABLE if durable else {}))
        self._resources.callback(self.postgres.stop)
        self.redis = Redis()
        self._resources.callback(self.redis.stop)
        self.settings = {
            "DATABASE_URL": self.postgres.create("bench"),
            "REDIS_URL": self.redis.url,
            "DEBUG": "false",
            "MAX_CONNECTIONS": "100000",
            **NO_LIMITS,
            **(settings or {}),
        }
        self._program = program
        self._wanted = gateways
        self.gateways: list[Gateway] = []

    def __enter__(self) -> "Service":
        """Tables and nothing in them; `start` begins to serve once they are filled."""
        os.environ.update(environment(self.settings))
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        with psycopg.connect(self.settings["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def start(self) -> None:
        from django.db import connection

        with psycopg.connect(self.settings["DATABASE_URL"], autocommit=True) as direct:
            direct.execute("VACUUM ANALYZE")
        connection.close()
        for _ in range(self._wanted):
            self.gateways.append(Gateway(self.settings, self._folder, self._program))
            self._resources.callback(self.gateways[-1].stop)
        for gateway in self.gateways:
            gateway.wait_ready()

    def seconds(self) -> dict[str, float]:
        """Processor seconds so far, of the gateways, of PostgreSQL, of Redis and of this process."""
        return {
            "gateway": sum(_seconds(gateway.process.pid) for gateway in self.gateways),
            "postgresql": _seconds_of_all(self.postgres.server.process.pid),
            "redis": _seconds(self.redis.server.process.pid),
            "client": sum(os.times()[:2]),
        }

    def statements(self, reset: bool = False) -> list[tuple[int, float, str]]:
        """What PostgreSQL was asked since the last reset: calls, milliseconds in all, the statement."""
        with psycopg.connect(self.settings["DATABASE_URL"], autocommit=True) as connection:
            found = connection.execute(
                "SELECT calls, total_exec_time, query FROM pg_stat_statements s"
                " JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()"
                " WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY calls DESC"
            ).fetchall()
            if reset:
                connection.execute("SELECT pg_stat_statements_reset()")
        return found


class Board:
    """A project of `owner`, filled past the services: what is measured begins with the first request."""

    def __init__(self, owner: Any, *, tasks: int, members: int = 0) -> None:
        from projects import services
        from projects.models import Column, Membership, Task, User

        self.project = services.project_create(actor=owner, name="Benchmark")
        self.id = str(self.project.pk)
        self.columns = [str(pk) for pk in self.project.columns.values_list("pk", flat=True)]
        people = [
            User(username=f"{self.id}-{n}", first_name="Member", last_name=f"{n}") for n in range(members)
        ]
        User.objects.bulk_create(people)
        Membership.objects.bulk_create(
            Membership(project=self.project, user=user, role="editor") for user in people
        )
        columns = list(Column.objects.filter(project=self.project))
        rows = [
            Task(
                project=self.project,
                column=columns[number % len(columns)],
                title=f"Task {number} of a board that many look at",
                description="What is to be done, and how one knows that it is. " * 2,
                labels=["benchmark", f"batch-{number % 7}"],
                assignee=people[number % len(people)] if people else None,
                position=number * GAP,
            )
            for number in range(tasks)
        ]
        Task.objects.bulk_create(rows)
        self.tasks = [str(row.pk) for row in rows]


def person(username: str) -> Any:
    from projects.models import User

    return User.objects.create_user(username, first_name="Bench", last_name="Mark")


def token_of(user: Any) -> str:
    """An access token, as a log-in gives it; this process knows the secret."""
    from realtime.token_families import begin

    return begin(user)["access"]


def percentile(values: list[float], share: float) -> float:
    """The nearest rank; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def keep(name: str, found: dict[str, Any]) -> None:
    """Write `results/{name}.json`, with what it was measured on."""
    import django

    RESULTS.mkdir(exist_ok=True)
    about = {
        "on": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "django": django.get_version(),
        "psycopg": psycopg.__version__,
    }
    text = orjson.dumps({**about, **found}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    (RESULTS / f"{name}.json").write_bytes(text)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _seconds_of_all(pid: int) -> float:
    """Of a process and of its children, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    ended = (int(fields[13]) + int(fields[14])) / _TICKS
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = _seconds(pid) + ended
    for child in children:
        with suppress(FileNotFoundError):  # it has ended since
            found += _seconds(int(child))
    return found
