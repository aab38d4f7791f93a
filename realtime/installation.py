"""Which installation this process is of: what its messages on the channel layer are named and signed by.

Redis tells nobody apart: PUBLISH knows no database numbers. What two installations on one Redis do not share
is their database. A copy of it lies in another cluster, or has another number there, and would else bring
events with the very ids and numbers of the original's.
"""

from dataclasses import dataclass
from pathlib import Path

from django.db import connection
from django.utils.crypto import salted_hmac

# May be run by every role; where it may not, the number of the database in its cluster has to do.
_IN_ITS_CLUSTER = """
SELECT datname, oid, CASE WHEN has_function_privilege('pg_control_system()', 'execute')
    THEN (SELECT system_identifier FROM pg_control_system()) END
FROM pg_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """`prefix` of the names on the layer, and the `key` of the messages. Both also follow from SECRET_KEY."""

    prefix: str
    key: bytes


_known: Installation | None = None


def known() -> Installation | None:
    """As last looked up; None: not yet."""
    return _known


def look() -> bool:
    """Ask the database; whether it is another installation than was known.

    It becomes another one where a database was moved to a new cluster while the process lived.
    """
    global _known
    found = installation_of(_database())
    if found == _known:
        return False
    _known = found
    return True


def installation_of(database: str) -> Installation:
    name = salted_hmac("realtime.installation.prefix", database, algorithm="sha256").hexdigest()
    key = salted_hmac("realtime.installation.key", database, algorithm="sha256").digest()
    return Installation(f"asgi.{name[:16]}", key)


def _database() -> str:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_IN_ITS_CLUSTER)
            return repr(cursor.fetchone())
    connection.ensure_connection()  # which makes the file
    path = Path(connection.settings_dict["NAME"]).resolve()
    file = path.stat()
    return repr((str(path), file.st_dev, file.st_ino))
