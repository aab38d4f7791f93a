"""Which queries reach the database."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db.backends.utils import CursorWrapper


@contextmanager
def reads_of(*tables: str) -> Iterator[list[str]]:
    """The SELECTs of these tables meanwhile, by the threads of the gateway."""
    seen: list[str] = []
    run: Any = vars(CursorWrapper)["_execute_with_wrappers"]

    def note(cursor: CursorWrapper, sql: str, *arguments: Any, **options: Any) -> Any:
        by_gateway = threading.current_thread().name.startswith("gateway-database")
        if by_gateway and sql.startswith("SELECT") and any(table in sql for table in tables):
            seen.append(sql)
        return run(cursor, sql, *arguments, **options)

    with patch.object(CursorWrapper, "_execute_with_wrappers", note):
        yield seen
