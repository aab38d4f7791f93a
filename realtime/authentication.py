"""From credentials to a user: bearer tokens and session cookies, for sockets and for REST."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user, get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import DateField, QuerySet
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from realtime import metrics, rules, tokens
from realtime.batching import Batch
from realtime.connection import Identity
from realtime.cross_origin import ApiCsrfCheck
from realtime.database import in_database
from realtime.tokens import Claims, TokenError, TokenType


def identify(user: Any, claims: Claims | None = None) -> Identity:
    """A user's identity; `claims` of the token by which they have shown it."""
    name = user.get_full_name() or user.get_username()
    auth = tokens.auth_digest(user.get_session_auth_hash())
    if claims is None:
        return Identity(str(user.pk), name, user.get_username(), auth=auth)
    return Identity(str(user.pk), name, user.get_username(), claims.expires_at, auth, claims.previous)


def user_of(claims: Claims) -> AbstractBaseUser:
    """The active user that a token names. Raises TokenError."""
    return _checked(claims, _active_users([claims.subject]))


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


def _checked(claims: Claims, users: Mapping[str, AbstractBaseUser]) -> AbstractBaseUser:
    user = users.get(claims.subject)
    if user is None:
        raise TokenError("no-such-user", "the token's user is not there or is disabled")
    if claims.auth != tokens.auth_digest(user.get_session_auth_hash()):
        raise TokenError("superseded", "the password has changed since: log in again")
    return user


def by_session(session_key: str) -> Identity | None:
    """Who a session cookie stands for; None where it stands for nobody."""
    engine = import_module(settings.SESSION_ENGINE)
    user = get_user(SimpleNamespace(session=engine.SessionStore(session_key)))  # type: ignore[arg-type]
    return None if isinstance(user, AnonymousUser) else identify(user)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a handshake or a request carries: a token counts before a session's cookie."""

    token: str | None = None
    session_key: str | None = None


Answers = dict[Credentials, Identity | TokenError | None]


class Authentication:
    """Tells who speaks, for all who ask at the same time together: after a restart a thousand do.

    Guests cost nothing; tokens one query, however many there are; sessions a few each, in one thread.
    """

    def __init__(self) -> None:
        self._asked: Batch[Credentials, Answers] = Batch(lambda asked: in_database(by_credentials, asked))
        self._again: Batch[Identity, set[Identity]] = Batch(lambda asked: in_database(still_hold, asked))

    async def identify(self, credentials: Credentials) -> Identity | None:
        """Who they stand for; None for a guest. Raises TokenError: what does not hold is no guest's."""
        if credentials == Credentials():
            return None
        answer = (await self._asked.ask(credentials))[credentials]
        if isinstance(answer, TokenError):
            metrics.AUTH_FAILURES.labels(answer.reason).inc()
            raise TokenError(answer.reason, str(answer))  # a new one for each who asked
        return answer

    async def holds(self, identity: Identity) -> bool:
        """Whether a log-in that was good still is. One query for all who ask at the same time."""
        return identity in await self._again.ask(identity)

    async def by_token(self, token: str) -> Identity:
        """Who an access token stands for. Raises TokenError."""
        identity = await self.identify(Credentials(token))
        assert identity is not None  # a token is no guest's
        return identity


def by_credentials(asked: Collection[Credentials]) -> Answers:
    """Who each stands for, or why it does not hold."""
    answers: Answers = {}
    claims: dict[Credentials, Claims] = {}
    for credentials in asked:
        if credentials.token is None:
            answers[credentials] = by_session(credentials.session_key or "")
            continue
        try:
            claims[credentials] = tokens.verify(credentials.token, TokenType.ACCESS)
        except TokenError as error:
            answers[credentials] = error
    users = _active_users(one.subject for one in claims.values()) if claims else {}
    for credentials, one in claims.items():
        try:
            answers[credentials] = identify(_checked(one, users), one)
        except TokenError as error:
            answers[credentials] = error
    return answers


def still_hold(identities: Collection[Identity]) -> set[Identity]:
    """Those whose users may still log in, by the password of then. One query for all."""
    digests = auth_digests(identity.id for identity in identities)
    return {identity for identity in identities if digests.get(identity.id) == identity.auth}


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


def bearer_token(header: bytes) -> str | None:
    """The token of an `Authorization: Bearer …` header; None where it speaks of another scheme."""
    scheme, _, token = header.strip().partition(b" ")
    if scheme.lower() != b"bearer":
        return None
    return token.strip().decode("latin-1")


class NotAuthenticated(exceptions.APIException):
    """401: credentials that do not hold. `code` tells the client what to do."""

    status_code = 401
    default_code = "unauthenticated"
    auth_header: str  # set by DRF: what WWW-Authenticate says


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer JWT`, for people."""

    token_type = TokenType.ACCESS

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        token = bearer_token(get_authorization_header(request))
        if token is None:
            return None
        try:
            claims = tokens.verify(token, self.token_type)
            return self.principal(claims), claims
        except TokenError as error:
            metrics.AUTH_FAILURES.labels(error.reason).inc()
            raise self.refusal(error) from None

    def principal(self, claims: Claims) -> Any:
        return user_of(claims)

    def refusal(self, error: TokenError) -> exceptions.APIException:
        return NotAuthenticated(str(error))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="devmentor"'


class ServiceAuthentication(BearerAuthentication):
    """`Authorization: Bearer JWT`, for other services (`manage.py service_token`)."""

    token_type = TokenType.SERVICE

    def refusal(self, error: TokenError) -> exceptions.APIException:
        """A person's token is a good one, but not for this."""
        return (
            exceptions.PermissionDenied(str(error))
            if error.reason == "wrong-type"
            else super().refusal(error)
        )

    def principal(self, claims: Claims) -> Any:
        return SimpleNamespace(name=claims.subject, is_authenticated=True, pk=None)


class GuestsWhereAllowed(BasePermission):
    """Guests may ask, unless credentials are required: the terms of the sockets."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated) or not rules.in_force().require_auth


class CookieAuthentication(SessionAuthentication):
    """Django's session, with CSRF protection, for the pages."""

    def enforce_csrf(self, request: Request) -> None:
        if reason := ApiCsrfCheck.reason(request):
            raise exceptions.PermissionDenied(f"CSRF Failed: {reason}")
