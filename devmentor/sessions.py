"""Sessions in the database, as Django keeps them."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's, which takes any cookie for a key: one with a NUL is then an error of PostgreSQL's, a 500."""

    def _validate_session_key(self, key: str | None) -> bool:
        return bool(key and key.isalnum()) and super()._validate_session_key(key)  # type: ignore[misc]
