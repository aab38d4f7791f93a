"""Operations of migrations that run beside a service at work."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import migrations
from django.db.models import Value

from realtime import timelines


class AddIndexBesideWriters(migrations.AddIndex):
    """On PostgreSQL concurrently: a million rows take longer than a lease.

    One that was broken off, by an operator or by a server that stopped, leaves an index that is not valid: it
    goes first, so that the migration can be run again.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.add_index(model, self.index)
            return
        name = schema_editor.quote_name(self.index.name)
        with _waiting_for_locks(schema_editor):
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            schema_editor.add_index(model, self.index, concurrently=True)


class AddTimeline(migrations.AddField):
    """Adds the field with the timeline of now in the rows that are there, whatever their number, at once.

    PostgreSQL keeps the default that a column is added with for the rows that were there before.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        field = self.field.clone()
        field.db_default = Value(timelines.current())
        between = from_state.clone()
        between.add_field(app_label, self.model_name_lower, self.name, field, preserve_default=True)
        super().database_forwards(app_label, schema_editor, from_state, between)
        altering = migrations.AlterField(self.model_name, self.name, self.field)
        altering.database_forwards(app_label, schema_editor, between, to_state)


@contextmanager
def _waiting_for_locks(schema_editor: Any) -> Iterator[None]:
    """Without the session's bound on waits for locks: an index waits for all who write when it begins.

    The bound is the session's, since no index is made concurrently in a transaction, which could have its
    own. Behind a pooler that lends connections out by transaction a session mostly has none
    (devmentor.postgresql). Then nothing is set: it would stay in a session that is somebody else's next.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        (before,) = cursor.fetchone()
    if before == "0":
        yield
        return
    schema_editor.execute("SET lock_timeout = 0")
    try:
        yield
    finally:
        schema_editor.execute("SELECT set_config('lock_timeout', %s, false)", [before])
