"""Operations of migrations that run beside a service at work."""

from typing import Any

from django.db import migrations


class AddIndexBesideWriters(migrations.AddIndex):
    """On PostgreSQL concurrently: a million rows take longer than a lease.

    One that was broken off, by a lock that was not given in time, leaves an index that is not valid: it goes
    first, so that the migration can be run again.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql":
            schema_editor.add_index(model, self.index)
            return
        name = schema_editor.quote_name(self.index.name)
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('lock_timeout')")
            (before,) = cursor.fetchone()
        schema_editor.execute("SET lock_timeout = 0")
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        schema_editor.add_index(model, self.index, concurrently=True)
        schema_editor.execute("SELECT set_config('lock_timeout', %s, false)", [before])
