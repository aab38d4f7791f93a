"""Values as the texts that the wire wants, made by the database.

A board of thousands of tasks is read as such: to make a datetime of each of its moments, only to write it out
again, takes longer than all the rest of the answer.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Func, TextField


class _Text(Func):
    """A column by a template for each kind of database."""

    arity = 1
    output_field: ClassVar[Any] = TextField()
    on_postgresql: ClassVar[str]
    on_sqlite: ClassVar[str]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.on_postgresql, **context)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template=self.on_sqlite, **context)


class Id(_Text):
    """A UUID with its dashes, which SQLite keeps without."""

    on_postgresql = "%(expressions)s::text"
    on_sqlite = " || '-' || ".join(
        f"substr(%(expressions)s, {start}, {length})"
        for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )


class Moment(_Text):
    """RFC 3339 with milliseconds, cut off and not rounded, as `eventlog.rfc3339` writes it."""

    on_postgresql = """to_char(%(expressions)s AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    # SQLite keeps no fraction where there is none.
    on_sqlite = (
        "substr(%(expressions)s, 1, 10) || 'T' || substr(%(expressions)s, 12, 8) || '.'"
        " || substr(substr(%(expressions)s, 21, 3) || '000', 1, 3) || 'Z'"
    )


class Day(_Text):
    on_postgresql = "to_char(%(expressions)s, 'YYYY-MM-DD')"
    on_sqlite = "substr(%(expressions)s, 1, 10)"  # of a bare column Python's driver would make a date


class Json(_Text):
    on_postgresql = "%(expressions)s::text"
    on_sqlite = "%(expressions)s"
