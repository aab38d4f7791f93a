"""Log-ins, looked up for many at once: whom tokens and sessions stand for, and which of them still hold."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import DateField, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from realtime import token_families, tokens
from realtime.connection import Identity
from realtime.tokens import ENDED, Claims, CredentialsError, TokenError


class SessionEnded(CredentialsError):
    """The cookie of a session that was logged out, has expired, or whose user may no longer log in."""

    def __init__(self) -> None:
        super().__init__("session-ended", ENDED)


# --- Tokens -----------------------------------------------------------------------------------------


def identify(user: Any, claims: Claims | None = None) -> Identity:
    """A user's identity; `claims` of the token by which they have shown it."""
    name = user.get_full_name() or user.get_username()
    auth = tokens.auth_digest(user.get_session_auth_hash())
    if claims is None:
        return Identity(str(user.pk), name, user.get_username(), auth=auth)
    return Identity(
        str(user.pk),
        name,
        user.get_username(),
        claims.expires_at,
        auth,
        claims.previous,
        family=claims.family,
    )


def user_of(claims: Claims) -> AbstractBaseUser:
    """The active user that a token names. Raises TokenError."""
    rows = _active([claims.subject])
    if claims.family:
        rows = rows.annotate(family_lives=token_families.is_live(claims.family))
    users = {str(user.pk): user for user in rows}
    live = {claims.family for user in rows if claims.family and user.family_lives}
    return _checked(claims, users, live)


def by_claims(asked: Collection[Claims]) -> dict[Claims, Identity | TokenError]:
    """Whom each token stands for, or why it does not hold. Two queries for all."""
    users = _active_users(claims.subject for claims in asked) if asked else {}
    families = token_families.live(claims.family for claims in asked)
    found: dict[Claims, Identity | TokenError] = {}
    for claims in asked:
        try:
            found[claims] = identify(_checked(claims, users, families), claims)
        except TokenError as error:
            found[claims] = error
    return found


def _checked(
    claims: Claims, users: Mapping[str, AbstractBaseUser], families: Collection[str]
) -> AbstractBaseUser:
    user = users.get(claims.subject)
    if user is None:
        raise TokenError("no-such-user", "the token's user is not there or is disabled")
    if claims.auth != tokens.auth_digest(user.get_session_auth_hash()):
        raise TokenError("superseded", "the password has changed since: log in again")
    if claims.family and claims.family not in families:
        raise TokenError("ended", ENDED)
    return user


# --- Sessions ---------------------------------------------------------------------------------------


def by_sessions(keys: Collection[str]) -> dict[str, Identity | SessionEnded | None]:
    """Whom each session cookie stands for; None: a session in which nobody has logged in, or none of ours.

    By the rules of `django.contrib.auth.get_user`, with two queries for all.
    """
    decode = _store()().decode
    rows = _live_sessions(keys).values_list("session_key", "session_data") if keys else []
    sessions: dict[str, dict[str, Any]] = {key: decode(data) for key, data in rows}
    ids = {str(data[SESSION_KEY]) for data in sessions.values() if SESSION_KEY in data}
    users = _active_users(ids) if ids else {}
    return {key: _of_session(key, sessions.get(key), users) for key in keys}


def _of_session(
    key: str, data: dict[str, Any] | None, users: Mapping[str, AbstractBaseUser]
) -> Identity | SessionEnded | None:
    if not data:
        return SessionEnded() if _store().was_issued(key) else None
    if SESSION_KEY not in data:
        return None
    user: Any = users.get(str(data[SESSION_KEY]))
    if user is None or data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return SessionEnded()
    if not constant_time_compare(data.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()):
        return SessionEnded()
    return replace(identify(user), session=key)


def check_session(request: Any) -> None:
    """Raise SessionEnded where a Django request that stands for nobody came with the cookie of a session that
    has ended. The answer then takes the cookie back.
    """
    session = request.session
    sent = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if SESSION_KEY in session or (not session.keys() and _store().was_issued(sent)):
        session.flush()
        raise SessionEnded


def cookie_removal() -> tuple[bytes, bytes]:
    """The header that takes a session's cookie back, as Django's middleware writes it.

    Only for who came with the cookie of an ended session, never for who was ended while they waited: they may
    have got a new one meanwhile.
    """
    answer = HttpResponse()
    answer.delete_cookie(
        settings.SESSION_COOKIE_NAME,
        path=settings.SESSION_COOKIE_PATH,
        domain=settings.SESSION_COOKIE_DOMAIN,
        samesite=settings.SESSION_COOKIE_SAMESITE,  # type: ignore[arg-type]  # one of them
    )
    return b"set-cookie", answer.cookies[settings.SESSION_COOKIE_NAME].OutputString().encode("latin-1")


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _live_sessions(keys: Iterable[str]) -> QuerySet[Any]:
    store = _store()
    possible = {key for key in keys if store(key).session_key}  # a cookie says what it likes
    rows: QuerySet[Any] = store.get_model_class()._default_manager.all()
    return rows.filter(pk__among=possible, expire_date__gt=timezone.now())


# --- Whether they still hold ------------------------------------------------------------------------


def still_hold(identities: Collection[Identity]) -> set[Identity]:
    """Those whose users may still log in, by the password of then, and whose sessions have not ended.

    Three queries for all. When a token runs out it says itself.
    """
    return _holding(identities, auth_digests(identity.id for identity in identities))


def _holding(identities: Collection[Identity], digests: Mapping[str, str]) -> set[Identity]:
    keys = {identity.session for identity in identities if identity.session}
    live = set(_live_sessions(keys).values_list("session_key", flat=True)) if keys else set()
    families = token_families.live(identity.family for identity in identities)
    return {
        identity
        for identity in identities
        if digests.get(identity.id) == identity.auth
        and (not identity.session or identity.session in live)
        and (not identity.family or identity.family in families)
    }


def auth_digests(user_ids: Iterable[str]) -> dict[str, str]:
    """What stands for the present password of each who may log in, as in `Identity.auth`. One query."""
    users = _active_users(user_ids)
    return {key: tokens.auth_digest(user.get_session_auth_hash()) for key, user in users.items()}


class LogIns:
    """The same for thousands who are looked at again and again.

    A row that is the same as the last time, its moments left aside, has the same password: it is not made a
    user of and hashed anew. What is kept of it is its hash, 64 bits under a key of this process: the row
    itself takes a kilobyte.
    """

    def __init__(self) -> None:
        # By key: the row's hash, its key as text, its digest.
        self._known: dict[Any, tuple[int, str, str]] = {}

    def digests(self, user_ids: Iterable[str]) -> dict[str, str]:
        model = get_user_model()
        fields = [field for field in model._meta.concrete_fields if not isinstance(field, DateField)]
        names = [field.attname for field in fields]
        key = names.index(model._meta.pk.attname)
        seen: dict[Any, tuple[int, str, str]] = {}
        for row in _active(user_ids).values_list(*names):
            found = self._known.get(row[key])
            if found is None or found[0] != hash(row):
                user = model.from_db(connection.alias, names, row)
                found = hash(row), str(user.pk), tokens.auth_digest(user.get_session_auth_hash())
            seen[row[key]] = found
        self._known = seen  # of who has gone nothing is kept
        return {text: digest for _, text, digest in seen.values()}

    def holding(self, identities: Collection[Identity]) -> set[Identity]:
        """As `still_hold`."""
        return _holding(identities, self.digests({identity.id for identity in identities}))


def _active_users(ids: Iterable[str]) -> dict[str, AbstractBaseUser]:
    """Those of them who are there and may log in, by id. One query for all."""
    return {str(user.pk): user for user in _active(ids)}


def _active(ids: Iterable[str]) -> QuerySet[Any]:
    return get_user_model()._default_manager.filter(pk__among=set(filter(_is_id, ids)), is_active=True)


def _is_id(text: str) -> bool:
    """Whether it could be a user's: a token says what it likes."""
    try:
        return str(get_user_model()._meta.pk.to_python(text)) == text
    except ValidationError:
        return False
