"""The pool of the views' connections. One that is found broken takes all with it that are as old."""

import time
from typing import Any

from psycopg import Error
from psycopg_pool import ConnectionPool

from devmentor.postgresql.driver import BoundedConnection


class Pool(ConnectionPool[BoundedConnection]):
    """Checks each connection before it lends it out.

    psycopg_pool's own check goes through the broken ones one by one, with a pause after each that doubles:
    after a failover, or where a server or a pooler ends sessions that idle, a request would wait for longer
    than it may, while the database answers.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._dropped_at = float("-inf")
        super().__init__(*args, **kwargs)

    def getconn(self, timeout: float | None = None) -> BoundedConnection:
        connection = super().getconn(timeout)
        try:
            self.check_connection(connection)
        except Error:
            self.putconn(connection)
            self.drop_older(connection.made_at)
            return super().getconn(timeout)
        return connection

    def drop_older(self, than: float) -> None:
        """One that was made then has broken: replace all that are no newer, once however many break."""
        if than > self._dropped_at:
            self._dropped_at = time.monotonic()
            self.drain()
