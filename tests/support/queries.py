"""Which queries reach the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db.backends.signals import connection_created


@contextmanager
def reads_of(*tables: str) -> Iterator[list[str]]:
    """The SELECTs of these tables meanwhile, by the threads of the gateway: they connect for each work."""
    seen: list[str] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("SELECT") and any(table in sql for table in tables):
            seen.append(sql)
        return execute(sql, *rest)

    def watch(connection: Any, **_: object) -> None:
        if note not in connection.execute_wrappers:
            connection.execute_wrappers.append(note)

    connection_created.connect(watch)
    try:
        yield seen
    finally:
        connection_created.disconnect(watch)
