"""The timeline of the database in which a room's numbers were given.

PostgreSQL begins a new timeline when a standby is promoted, and when a backup is recovered to a point in
time. The last commits may be lost then, and with them numbers that clients have seen. So each head keeps the
timeline in which it was last written, and the first writer in another one leaves a gap: no number is given a
second time, and all before the gap counts as trimmed. Clients with older cursors are told `history-trimmed`.
"""

import logging
import secrets

from django.db import DatabaseError, connection, transaction
from django.db.models import CharField, F, Func, QuerySet, Value

from realtime.models import RoomHead
from realtime.outages import is_away
from realtime.rare_log import RareLog

logger = logging.getLogger(__name__)
rare_log = RareLog(logger)

# Numbers that a gap leaves out, at the least: more than a room can lose. Up to as many again are added at
# random: two standbys of one primary, promoted one after the other, must not give the same numbers.
GAP = 10**9
# Server, database and timeline. A copy of a database may have the timeline of its original.
CURRENT = (
    "concat_ws('/', (pg_control_system()).system_identifier,"
    " (SELECT oid FROM pg_database WHERE datname = current_database()),"
    " left(pg_walfile_name(pg_current_wal_lsn()), 8))"
)

_readable: bool | None = None  # None: not known yet


class _Current(Func):
    template = CURRENT
    output_field = CharField()


def lock(heads: QuerySet[RoomHead]) -> bool:
    """Lock a head in the transaction under way, and leave a gap where it was written in another timeline.

    heads: none, or the one that is to be locked
    Returns whether there is one.
    """
    # In the statement that locks: no round trip more, and true behind a pooler, which may change servers.
    current = _Current() if _can_be_read() else Value("")
    found = heads.select_for_update().values_list("room", "timeline", current).first()
    if found is None:
        return False
    room, before, now = found
    if now and now != before:
        _enter(room, before, now)
    return True


def current() -> str:
    """The timeline of the database now; empty where it has none, or does not tell."""
    if not _can_be_read():
        return ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CURRENT}")
        found: str = cursor.fetchone()[0]
    return found


def _enter(room: str, before: str, now: str) -> None:
    head = RoomHead.objects.filter(room=room)
    if not before:
        head.update(timeline=now)
        return
    gap = GAP + secrets.randbelow(GAP)
    head.update(timeline=now, seq=F("seq") + gap, trimmed=F("seq") + gap)
    rare_log.warning(
        "gap", "%s: the database has left timeline %s for %s: its clients load it again", room, before, now
    )


def _can_be_read() -> bool:
    """Whether the server lets us read the timeline: some hosts refuse it. Asked once in a process."""
    global _readable
    if connection.vendor != "postgresql":
        return False
    if _readable is None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SELECT {CURRENT} WHERE NOT pg_is_in_recovery()")
                _readable = cursor.fetchone() is not None or None
        except DatabaseError as refused:
            if is_away(refused):
                raise
            _readable = False
            logger.warning(
                "the database does not tell its timeline (docs/guarantees.md): %s", str(refused).strip()
            )
    return bool(_readable)
