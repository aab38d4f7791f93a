"""Sessions in the database, as Django keeps them."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db import Error
from django.db.models.functions import Now

from realtime import controls
from realtime.outages import is_away

FORGOTTEN_AT_ONCE = 500


class SessionStore(db.SessionStore):
    """Django's, with three differences.

    It takes any cookie for a key: one with a NUL is then an error of PostgreSQL's, a 500. All who ask a
    request for its user would wait for a database that does not answer, one after the other: here the first.
    And who logs out is cut off from what their log-in has opened at once, and not when it is looked for.
    """

    _away: Error | None = None

    def load(self) -> dict[str, Any]:
        if self._away is not None:
            raise self._away
        try:
            found: dict[str, Any] = super().load()
        except Error as failure:
            self._away = failure if is_away(failure) else None
            raise
        return found

    def flush(self) -> None:
        user_id = self.get(SESSION_KEY)
        super().flush()
        if user_id is not None:
            controls.user_changed(str(user_id))

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and key.isalnum()) and super()._validate_session_key(key)  # type: ignore[misc]


def forget_expired() -> int:
    """Delete expired sessions, the oldest FORGOTTEN_AT_ONCE at the most; how many went."""
    sessions = SessionStore.get_model_class().objects
    expired = sessions.filter(expire_date__lt=Now()).order_by("expire_date")
    return sessions.filter(pk__in=list(expired.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()[0]
