"""Who waits for whom in PostgreSQL."""

from django.db import connection


def waiting_for_a_lock() -> list[str]:
    """The statements that wait for a lock now."""
    with connection.cursor() as cursor:
        # Inside a transaction the first look would be shown again and again.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return [query for (query,) in cursor.fetchall()]
