"""What a deployment does to the database while the version before it still runs on it."""

import subprocess
import sys
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import F
from django.db.models.functions import Now

from projects.models import Column
from realtime.models import ConnectionRecord, GatewayProcess
from tests.support.environment import environment
from tests.support.processes import ROOT, eventually, manage
from tests.support.stack import Templates

NO_SUCH_INDEX = """
from django.db import ProgrammingError, connection, models
from django.db.migrations.loader import MigrationLoader
from realtime.migration_operations import AddIndexBesideWriters
before = MigrationLoader(connection).project_state()
index = models.Index(fields=["address"], name="no_such_index", opclasses=["no_such_ops"])
operation = AddIndexBesideWriters("connectionrecord", index)
after = before.clone()
operation.state_forwards("realtime", after)
try:
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("realtime", editor, before, after)
except ProgrammingError:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        print(cursor.fetchone()[0])
"""
BEFORE = [("realtime", "0002_leases_and_connections"), ("projects", "0001_initial")]
INDEXES = {"connection_opened", "connection_network", "connection_username"}


@pytest.mark.django_db
def test_the_version_before_goes_on_writing_once_the_tables_are_the_new_ones() -> None:
    """A column that the older version does not know has a value of the database's own."""
    older = MigrationExecutor(connection).loader.project_state(BEFORE).apps
    lease = {"instance": "older", "version": "1", "host": "here", "pid": 7}
    times: Any = {"started_at": Now(), "renewed_at": Now(), "expires_at": Now()}
    gateway = older.get_model("realtime", "GatewayProcess").objects.create(**lease, **times)
    records = older.get_model("realtime", "ConnectionRecord").objects
    row = {"id": uuid4(), "gateway": gateway, "address": "192.0.2.7", "agent": "", "transport": "websocket"}
    records.create(**row, opened_at=Now(), last_frame_at=Now())
    records.update(frames_in=F("frames_in") + 1)
    older.get_model("projects", "User").objects.create(username="newcomer", password="!")
    project = older.get_model("projects", "Project").objects.create(name="Board")
    older.get_model("projects", "Column").objects.create(project=project, name="To do", position=0)

    found = GatewayProcess.objects.get()
    assert (found.rules_seq, found.environment, found.memory) == (-1, {}, 0)
    record = ConnectionRecord.objects.get()
    assert (record.frames_in, record.bytes_in, record.lag, record.credential) == (1, 0, 0, "")
    assert record.address_key == ""
    assert Column.objects.get().done is False
    project.delete()
    assert not Column.objects.exists()


def test_an_index_that_is_broken_off_locks_nobody_out_and_is_made_when_it_is_tried_again(
    templates: Templates,
) -> None:
    """Concurrently made, an index waits for whoever writes; one that is given up stays, and is not valid."""
    url = templates.copy("distributed")
    settings = environment({"DATABASE_URL": url})
    manage(["migrate", "--verbosity=0", "realtime", "0003"], settings)
    with psycopg.connect(url) as writer, psycopg.connect(url, autocommit=True) as other:
        assert not valid(other) & INDEXES
        _write(writer)
        migrating = subprocess.Popen(
            [sys.executable, "manage.py", "migrate", "--verbosity=0", "realtime"],
            cwd=ROOT,
            env=dict(settings),
            stderr=subprocess.PIPE,
        )
        waiting = eventually(lambda: _who_waits(other), 30, "the migration to wait for the writer")
        _write(other)
        other.execute("SELECT pg_cancel_backend(%s)", [waiting])
        _, told = migrating.communicate(timeout=30)
        assert migrating.returncode
        assert b"canceling statement" in told
        assert not valid(other) & INDEXES
        writer.rollback()
        manage(["migrate", "--verbosity=0", "realtime"], settings)
        assert valid(other) >= INDEXES


def test_an_index_that_cannot_be_made_leaves_the_bound_on_locks_as_it_was(templates: Templates) -> None:
    settings = environment({"DATABASE_URL": templates.copy("distributed")})
    assert manage(["shell", "--verbosity", "0", "-c", NO_SUCH_INDEX], settings).strip() == "5s"


def valid(connection: psycopg.Connection) -> set[str]:
    """The indexes of connections that PostgreSQL goes by."""
    found = connection.execute(
        "SELECT indexrelid::regclass::text FROM pg_index "
        "WHERE indrelid = 'realtime_connectionrecord'::regclass AND indisvalid"
    )
    return {name for (name,) in found}


def _write(connection: psycopg.Connection) -> None:
    """What a gateway writes of its connections, which takes the table's lock for writers."""
    connection.execute("UPDATE realtime_connectionrecord SET frames_in = frames_in + 1")


def _who_waits(connection: psycopg.Connection) -> int | None:
    found = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE INDEX CONC%'"
    ).fetchone()
    return None if found is None else int(found[0])
