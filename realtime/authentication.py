"""From credentials to a user: bearer tokens and session cookies, for sockets and for REST."""

from collections.abc import Collection
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from realtime import log_ins, metrics, rules, service_tokens, tokens
from realtime.batching import Batch
from realtime.connection import Identity
from realtime.cross_origin import ApiCsrfCheck
from realtime.database import in_database
from realtime.log_ins import SessionEnded
from realtime.tokens import Claims, CredentialsError, TokenError, TokenType


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a handshake or a request carries: a token counts before a session's cookie."""

    token: str | None = None
    session_key: str | None = None


Answer = Identity | CredentialsError | None
Answers = dict[Credentials, Answer]


class Authentication:
    """Tells who speaks, for all who ask at the same time together: after a restart a thousand do.

    Guests cost nothing; tokens two queries, and sessions two, however many there are.
    """

    def __init__(self) -> None:
        self._asked: Batch[Credentials, Answers] = Batch(lambda asked: in_database(by_credentials, asked))
        self._again: Batch[Identity, set[Identity]] = Batch(
            lambda asked: in_database(log_ins.still_hold, asked)
        )

    async def identify(self, credentials: Credentials) -> Identity | None:
        """Who they stand for; None for a guest. Raises CredentialsError: what does not hold is no guest's."""
        if credentials == Credentials():
            return None
        answer = (await self._asked.ask(credentials))[credentials]
        if isinstance(answer, CredentialsError):
            metrics.AUTH_FAILURES.labels(answer.reason).inc()
            raise CredentialsError(answer.reason, str(answer))  # a new one for each who asked
        return answer

    async def holds(self, identity: Identity) -> bool:
        """Whether a log-in that was good still is. One query for all who ask at the same time."""
        return identity in await self._again.ask(identity)

    async def by_token(self, token: str) -> Identity:
        """Who an access token stands for. Raises CredentialsError."""
        identity = await self.identify(Credentials(token))
        assert identity is not None  # a token is no guest's
        return identity


def by_credentials(asked: Collection[Credentials]) -> Answers:
    """Who each stands for, or why it does not hold."""
    claims = {one: _claims(one.token) for one in asked if one.token is not None}
    of_tokens = log_ins.by_claims({found for found in claims.values() if isinstance(found, Claims)})
    of_sessions = log_ins.by_sessions({one.session_key for one in asked if one.session_key is not None})

    def answer(one: Credentials) -> Answer:
        if one.session_key is not None:
            return of_sessions[one.session_key]
        found = claims[one]
        return of_tokens[found] if isinstance(found, Claims) else found

    return {one: answer(one) for one in asked}


def _claims(token: str) -> Claims | TokenError:
    try:
        return tokens.verify(token, TokenType.ACCESS)
    except TokenError as error:
        return error


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
        return log_ins.user_of(claims)

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
        """`room`: the name of the only room it may publish to; empty: any."""
        room = service_tokens.check(claims)
        return SimpleNamespace(name=claims.subject, is_authenticated=True, pk=None, room=room)


class GuestsWhereAllowed(BasePermission):
    """Guests may ask, unless credentials are required: the terms of the sockets."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user and request.user.is_authenticated) or not rules.in_force().require_auth


class CookieAuthentication(SessionAuthentication):
    """Django's session, with CSRF protection, for the pages.

    Whose session has ended is told so once, and is a guest from then on: the answer takes the cookie back.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        found: tuple[Any, Any] | None = super().authenticate(request)
        if found is None:
            try:
                log_ins.check_session(request._request)
            except SessionEnded as ended:
                metrics.AUTH_FAILURES.labels(ended.reason).inc()
                raise NotAuthenticated(str(ended)) from None
        return found

    def enforce_csrf(self, request: Request) -> None:
        if reason := ApiCsrfCheck.reason(request):
            raise exceptions.PermissionDenied(f"CSRF Failed: {reason}")
