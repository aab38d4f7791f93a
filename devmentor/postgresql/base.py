"""The engine's connection. Django looks for it in a module of this name."""

from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from devmentor.postgresql import bounds, driver
from devmentor.postgresql.pool import Pool

# Whatever the server, the database or the role have as their default: who has waited for a row's lock must
# see what the holder has committed, and not be refused since the row has changed.
ISOLATION = "read committed"


class DatabaseWrapper(base.DatabaseWrapper):
    """Sets the bounds, and the isolation, where poolers let them be set.

    Poolers refuse start-up parameters that they do not know (PgBouncer: `options`), and one that shares its
    connections out by transaction would carry what a session sets into other sessions. So each transaction
    sets its own bounds, in the round trip in which it begins. A session that has its server process to itself
    sets them for statements outside of transactions, too.
    """

    Database = driver
    _connection_pools: dict[str, Pool]  # Django's, of the class

    @property
    def pool(self) -> Pool | None:
        """Made as Django makes it, of our class."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            connecting = {**self.get_connection_params(), "autocommit": True}
            made = Pool(kwargs=connecting, open=False, configure=self._configure_connection, **options)
            self._connection_pools.setdefault(self.alias, made)  # another thread may have been first
        pool: Pool = self._connection_pools[self.alias]
        return pool

    def _start_transaction_under_autocommit(self) -> None:
        """Django's hook for engines that begin transactions themselves; psycopg stays in autocommit."""
        set_local = (f"SET LOCAL {name} = '{value}'" for name, value in bounds.settings().items())
        with self.wrap_database_errors:
            self.connection.execute("; ".join((f"BEGIN ISOLATION LEVEL {ISOLATION}", *set_local)))

    def _configure_connection(self, connection: Any) -> bool:
        """Called once for each new connection. Behind a pooler the process is not the one it was told of."""
        super()._configure_connection(connection)  # type: ignore[misc]  # the stubs do not know it
        session = {**bounds.settings(), "default_transaction_isolation": ISOLATION}
        config = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in session.items())
        # Dates can be read in this style alone; poolers carry it from one process to the next.
        own_process = f"pg_backend_pid() = {int(connection.info.backend_pid)}"
        connection.execute(f"SET datestyle TO ISO; SELECT {config} WHERE {own_process}")
        return True
