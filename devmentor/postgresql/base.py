"""The engine's connection. Django looks for it in a module of this name."""

from typing import Any

from django.db.backends.postgresql import base

# A gateway that vanished keeps no room locked, and a room that is locked does not keep every connection of
# the others waiting.
BOUNDS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s"}
_BEGIN = "BEGIN; " + "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in BOUNDS.items())
_CONFIGURE = (
    "SELECT "
    + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in BOUNDS.items())
    + " WHERE pg_backend_pid() = %s"
)


class DatabaseWrapper(base.DatabaseWrapper):
    """Sets the bounds where poolers let them be set.

    Poolers refuse start-up parameters that they do not know (PgBouncer: `options`), and one that shares its
    connections out by transaction would carry what a session sets into other sessions. So each transaction
    sets its own bounds, in the round trip in which it begins. A session that has its server process to itself
    sets them for statements outside of transactions, too.
    """

    def _start_transaction_under_autocommit(self) -> None:
        """Django's hook for engines that begin transactions themselves; psycopg stays in autocommit."""
        with self.wrap_database_errors:
            self.connection.execute(_BEGIN)

    def _configure_connection(self, connection: Any) -> bool:
        """Called once for each new connection. Behind a pooler the process is not the one it was told of."""
        super()._configure_connection(connection)  # type: ignore[misc]  # the stubs do not know it
        connection.execute(_CONFIGURE, [connection.info.backend_pid])
        return True
