"""Signed tokens (JWT, HS256): issue, verify, rotate.

Claims: `sub` the user's id, or a service's name; `type` access, refresh or service; `iat`, `exp`, `jti`;
`auth`, a digest of what the user logs in with, so that a new password ends every token issued before it;
`fam` and `gen`, of which log-in's family it is and in which generation (`realtime.token_families`);
`sid` of a service's token, by which operators revoke it. While a secret is rotated, JWT_SECRET_PREVIOUS is
accepted too, until an operator drops it.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

import jwt
from django.conf import settings

from realtime import rules
from realtime.ids import read_id

ALGORITHM = "HS256"
# When a token was made decides nothing, and the clock of the gateway that made it may be ahead of this one's.
OPTIONS: Any = {"require": ["sub", "exp"], "verify_iat": False}
ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 14 * 24 * 3600
SERVICE_SECONDS = 365 * 24 * 3600
MAX_TOKEN_LENGTH = 4096
ENDED = "your log-in has ended: log in again"


class TokenType(StrEnum):
    """What a token is good for; none stands in for another."""

    ACCESS = "access"
    REFRESH = "refresh"
    SERVICE = "service"


class CredentialsError(Exception):
    """Credentials that do not hold; `reason` is one of a few words, fit for a metric's label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class TokenError(CredentialsError):
    """A token that does not hold."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token that holds says; `expires_at` in epoch seconds.

    `previous`: signed with the secret that is being rotated out
    `family`: empty for a token of a version without families, which `id` tells from others
    `service`: the row of a service's token; empty for one of a version that kept none
    """

    subject: str
    type: TokenType
    expires_at: float
    auth: str
    previous: bool = False
    family: str = ""
    generation: int = 0
    id: str = ""
    service: str = ""


def issue(subject: str, kind: TokenType, seconds: int, auth: str = "", **more: Any) -> str:
    """A token that lives so many seconds from now; `more` are further claims."""
    return sign(claims_of(subject, kind, seconds, auth, **more))


def claims_of(subject: str, kind: TokenType, seconds: int, auth: str, **more: Any) -> dict[str, Any]:
    """What such a token says: another `jti` each time."""
    now = int(time.time())
    claims = {"sub": subject, "type": kind.value, "iat": now, "exp": now + seconds, "auth": auth}
    return {**claims, "jti": secrets.token_urlsafe(12), **more}


def sign(claims: Mapping[str, Any], previous: bool = False) -> str:
    """The same token for the same claims; `previous`: of the secret that is being rotated out."""
    secret = settings.JWT_SECRET_PREVIOUS if previous else settings.JWT_SECRET
    return jwt.encode(dict(claims), secret, algorithm=ALGORITHM)


def verify(token: str, kind: TokenType) -> Claims:
    """The claims of a token of that type. Raises TokenError, and nothing else, on any input."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise TokenError("malformed", f"the token is longer than {MAX_TOKEN_LENGTH} characters")
    claims, previous = _decode(token)
    if claims.get("type") != kind:
        raise TokenError("wrong-type", f"expected a token of type {kind.value}")
    return Claims(
        claims["sub"],
        kind,
        float(claims["exp"]),
        str(claims.get("auth", "")),
        previous,
        *_family(claims),
        str(claims.get("jti", "")),
        _id(claims, "sid"),
    )


def signed_subject(token: str) -> str | None:
    """Whose token it is, as long as it was signed here, whether or not it still holds; else None.

    Asks no database. For keeping callers apart, and never to let anybody in.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        return None
    try:
        claims = jwt.decode(token, settings.JWT_SECRET, algorithms=[ALGORITHM], options={"verify_exp": False})
    except (jwt.InvalidTokenError, ValueError, UnicodeError):
        return None
    return str(claims.get("sub", ""))


def _family(claims: Mapping[str, Any]) -> tuple[str, int]:
    """Its id and the generation. Raises TokenError."""
    generation = claims.get("gen", 0)
    if type(generation) is not int:
        raise TokenError("malformed", "that is not a token of ours")
    return _id(claims, "fam"), generation


def _id(claims: Mapping[str, Any], name: str) -> str:
    """A claim that is an id, or missing. Raises TokenError."""
    found = claims.get(name, "")
    if not isinstance(found, str) or (found and read_id(found) != found):
        raise TokenError("malformed", "that is not a token of ours")
    return found


def auth_digest(session_auth_hash: str) -> str:
    """A short digest of Django's session auth hash, which changes with the password."""
    return sha256(session_auth_hash.encode()).hexdigest()[:16]


def _decode(token: str) -> tuple[dict[str, Any], bool]:
    """What it says, and whether the previous secret had to be tried."""
    failure: TokenError | None = None
    secrets_ = [(settings.JWT_SECRET, False)]
    if settings.JWT_SECRET_PREVIOUS and rules.in_force().previous_secret:
        secrets_.append((settings.JWT_SECRET_PREVIOUS, True))
    for secret, previous in secrets_:
        try:
            found: dict[str, Any] = jwt.decode(token, secret, algorithms=[ALGORITHM], options=OPTIONS)
        except jwt.ExpiredSignatureError:
            failure = TokenError("expired", "the token has run out: get a new one with the refresh token")
        except jwt.InvalidSignatureError:
            failure = failure or TokenError("bad-signature", "the token was not signed here")
        except (jwt.InvalidTokenError, ValueError, UnicodeError):
            failure = failure or TokenError("malformed", "that is not a token of ours")
        else:
            return found, previous
    raise failure or TokenError("malformed", "that is not a token of ours")
