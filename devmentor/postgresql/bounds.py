"""How long PostgreSQL may take: the server ends what lasts too long, and this side what gets no answer."""

# A gateway that vanished keeps no room locked, and a room that is locked does not keep every connection of
# the others waiting.
LOCKS = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "10s"}
# Above those: a statement waits for two locks at the most, one after the other.
STATEMENTS = {"statement_timeout": "15s"}
# Above all of those: whoever is still silent then is a server or a pooler that hangs.
SILENCE_SECONDS = 20.0

_serving = False


def bound_statements() -> None:
    """Bound each statement of this process from now on, since somebody waits for it.

    For a process that answers requests. Commands are free of this: a migration, a backup and the deletion of
    old rows take as long as they take.
    """
    global _serving
    _serving = True


def settings() -> dict[str, str]:
    """What the server is told to end, by the names of its settings."""
    return {**LOCKS, **STATEMENTS} if _serving else LOCKS


def silence() -> float | None:
    """For how many seconds the server may say nothing; None: for ever."""
    return SILENCE_SECONDS if _serving else None
