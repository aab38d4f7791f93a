"""Sessions in the database, as Django keeps them."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.db import Error
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, get_random_string, salted_hmac

from realtime import controls
from realtime.outages import is_away

FORGOTTEN_AT_ONCE = 500
RANDOM_LENGTH = 22  # 113 bits
TAG_LENGTH = 10


class SessionStore(db.SessionStore):
    """Django's, with four differences.

    It takes any cookie for a key: one with a NUL is then an error of PostgreSQL's, a 500. All who ask a
    request for its user would wait for a database that does not answer, one after the other: here the first.
    Who logs out is cut off at once from what their log-in has opened, and not when it is looked for. A key
    shows that it was given out here, so that the cookie of a session of ours that has ended is told from
    another program's cookie of the same name.
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

    @staticmethod
    def was_issued(key: str) -> bool:
        """Whether it is the key of a session of ours, of one that has ended perhaps."""
        return constant_time_compare(key[RANDOM_LENGTH:], _tag(key[:RANDOM_LENGTH]))

    def _get_new_session_key(self) -> str:
        random = get_random_string(RANDOM_LENGTH, VALID_KEY_CHARS)
        return random + _tag(random)

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and key.isalnum()) and super()._validate_session_key(key)  # type: ignore[misc]


def forget_expired() -> int:
    """Delete expired sessions, the oldest FORGOTTEN_AT_ONCE at the most; how many went."""
    sessions = SessionStore.get_model_class().objects
    expired = sessions.filter(expire_date__lt=Now()).order_by("expire_date")
    return sessions.filter(pk__in=list(expired.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])).delete()[0]


def _tag(random: str) -> str:
    return salted_hmac("devmentor.sessions", random, algorithm="sha256").hexdigest()[:TAG_LENGTH]
