"""Telling a database that does not answer now from a fault of ours.

The one is over soon, and who asks again gets an answer. The other, a migration that was forgotten or a disk
that is full, stays until somebody sees to it: "try again in a moment" would be wrong for ever, and would hide
it. The class of an exception does not say which it is: SQLite's "no such table" is an OperationalError too.
"""

import logging
import sqlite3

from django.db import Error, InterfaceError, OperationalError

logger = logging.getLogger(__name__)

# "database is locked" and "unable to open database file".
SQLITE_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: connection exceptions, and a server that
# stops, starts or has ended the session;
SQLSTATE_CLASSES = ("08", "57P0")
# too many connections, a lock not given in time, a deadlock, what another transaction has overtaken (also a
# read on a standby), a transaction that stood still, a statement that was ended since it took too long (also
# after a pause of the whole server), and a server that takes no writes: a standby, to which a failover has
# led before it was promoted.
SQLSTATES = {"53300", "55P03", "40P01", "40001", "25P03", "57014", "25006"}


def is_away(failure: BaseException | None) -> bool:
    """Whether it says that the database does not answer: gone, no connection to be had, a lock not given."""
    if not isinstance(failure, Error):
        return False
    cause = failure.__cause__
    if isinstance(cause, sqlite3.Error):
        # Its last byte is the primary code; where Python itself raised it there is none.
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in SQLITE_CODES
    state = getattr(cause, "sqlstate", None)
    if state is None:  # the server has said nothing: a connection lost or not made, a pool in use
        return isinstance(failure, OperationalError | InterfaceError)
    return state in SQLSTATES or state.startswith(SQLSTATE_CLASSES)


def log_away(where: str, failure: BaseException | None) -> None:
    """One line: an outage is no fault of ours, and a traceback for each would bury what is."""
    logger.warning("%s: the database does not answer: %s", where, str(failure).strip().partition("\n")[0])


def log_failure(where: str, failure: BaseException) -> None:
    """What a task that nobody waits for leaves behind: an outage as one line, a fault with its traceback."""
    if is_away(failure):
        log_away(where, failure)
    else:
        logger.error("%s failed", where, exc_info=failure)
