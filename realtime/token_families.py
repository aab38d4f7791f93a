"""Families of refresh tokens: one for each log-in, in which each token is used up by its successor.

A row remembers which generation is good now. Whoever shows that one gets the next. Whoever shows the one
before it within GRACE gets the same successor: two tabs that renew at the same moment, or an answer that was
lost. Any older one was used before, by its owner or by a thief: the family ends, with its access tokens and
sockets, and the operators' journal says so.

What is got by a token of JWT_SECRET_PREVIOUS runs out when that token would have, and ends when that secret
is dropped: nothing outlives the trust that it rests on.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F
from django.db.models.functions import Now

from realtime import controls, policy, tokens
from realtime.models import TokenFamily
from realtime.tokens import ACCESS_SECONDS, REFRESH_SECONDS, Claims, TokenError, TokenType

GRACE = timedelta(seconds=10)
LIFE = timedelta(seconds=REFRESH_SECONDS)
AT_ONCE = 500
REUSED = "this refresh token was used before, so its log-in has ended: log in again"
OVER = "this log-in has ended: log in again"

Pair = dict[str, str]


def begin(user: Any) -> Pair:
    """The first pair of a log-in."""
    family = TokenFamily(
        id=uuid4(), user_id=str(user.pk), renewed_at=Now(), expires_at=Now() + LIFE, secret=""
    )
    family.save(force_insert=True)
    family.refresh_from_db()
    return _pair(family, user)


def renew(claims: Claims, user: Any) -> Pair:
    """The pair that takes the place of a refresh token's. Raises TokenError."""
    with transaction.atomic():
        family = _locked(claims, user)
        if family is None or family.ended_at is not None or claims.generation > family.generation:
            raise TokenError("ended", OVER)  # newer than the row: of a database that was restored since
        if claims.generation == family.generation:
            _advance(family, claims)
        elif not _in_grace(family, claims):
            _end_reused(family, user)
            family = None
    if family is None:
        raise TokenError("reused", REUSED)
    return _pair(family, user)


def end(claims: Claims) -> None:
    """End the family of a token: its owner logs out."""
    if TokenFamily.objects.filter(pk=_id(claims), ended_at=None).update(ended_at=Now()):
        controls.user_changed(claims.subject)


def live(ids: Iterable[str]) -> set[str]:
    """Those of the families that have not ended. One query for all, and none for none."""
    asked = {id_ for id_ in ids if id_}
    if not asked:
        return set()
    rows = TokenFamily.objects.filter(pk__among=asked, ended_at=None)
    return set(map(str, rows.values_list("pk", flat=True)))


def is_live(id_: str) -> Exists:
    """The same of one family, for a query of something else."""
    return Exists(TokenFamily.objects.filter(pk=id_, ended_at=None))


def forget() -> int:
    """Delete families whose last token has run out, AT_ONCE at the most; how many went."""
    over = TokenFamily.objects.filter(expires_at__lt=Now()).order_by("expires_at")
    return TokenFamily.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]


def _locked(claims: Claims, user: Any) -> TokenFamily | None:
    """The row, locked. A token of a version without families is generation 0 of one that begins with it."""
    if not claims.family:
        expires_at = datetime.fromtimestamp(claims.expires_at, UTC)
        row = TokenFamily(
            id=_id(claims), user_id=str(user.pk), generation=0, renewed_at=Now(), expires_at=expires_at
        )
        TokenFamily.objects.bulk_create([row], ignore_conflicts=True)
    return TokenFamily.objects.select_for_update().filter(pk=_id(claims), user_id=str(user.pk)).first()


def _id(claims: Claims) -> UUID:
    return UUID(claims.family) if claims.family else uuid5(NAMESPACE_OID, f"{claims.subject} {claims.id}")


def _advance(family: TokenFamily, claims: Claims) -> None:
    """The token's successor is the good one from now on."""
    changes: dict[str, Any] = {"generation": F("generation") + 1, "renewed_at": Now()}
    if claims.previous and not family.secret:
        changes["secret"] = policy.secret_digest(settings.JWT_SECRET_PREVIOUS)
        changes["expires_at"] = datetime.fromtimestamp(claims.expires_at, UTC)
    elif not family.secret:
        changes["expires_at"] = Now() + LIFE
    TokenFamily.objects.filter(pk=family.pk).update(**changes)
    family.refresh_from_db()


def _in_grace(family: TokenFamily, claims: Claims) -> bool:
    """Whether the token is the one before the good one, which was given out a moment ago."""
    if claims.generation != family.generation - 1:
        return False
    return TokenFamily.objects.filter(pk=family.pk, renewed_at__gte=Now() - GRACE).exists()


def _end_reused(family: TokenFamily, user: Any) -> None:
    TokenFamily.objects.filter(pk=family.pk).update(ended_at=Now())
    with controls.noting(controls.gateway(), REUSED) as entries:
        entries.add("token reused", f"user {user.get_username()}", new="its log-in has ended")
    controls.user_changed(family.user_id)


def _pair(family: TokenFamily, user: Any) -> Pair:
    """The access token is another one each time; the refresh token is the same for the same row."""
    auth = tokens.auth_digest(user.get_session_auth_hash())
    of_family = {"fam": str(family.pk), **({"old": family.secret} if family.secret else {})}
    left = int((family.expires_at - datetime.now(UTC)).total_seconds())
    return {
        "access": tokens.issue(
            family.user_id, TokenType.ACCESS, max(1, min(ACCESS_SECONDS, left)), auth, **of_family
        ),
        "refresh": tokens.sign(
            {
                "sub": family.user_id,
                "type": TokenType.REFRESH.value,
                "iat": int(family.renewed_at.timestamp()),
                "exp": int(family.expires_at.timestamp()),
                "jti": f"{family.pk}.{family.generation}",
                "auth": auth,
                "gen": family.generation,
                **of_family,
            }
        ),
    }
