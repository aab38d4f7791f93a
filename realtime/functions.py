"""SQL functions for which Django has no words."""

from typing import Any

from django.db.models import BigIntegerField, Func


class OctetLength(Func):
    """Bytes of a text in UTF-8."""

    arity = 1
    function = "OCTET_LENGTH"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Its own function of that name is younger than the oldest SQLite that we run on."""
        return self.as_sql(compiler, connection, template="LENGTH(CAST(%(expressions)s AS BLOB))", **context)
