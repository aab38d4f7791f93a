"""Families of refresh tokens: one for each log-in, in which each token is used up by its successor.

A row remembers which generation is good now. Whoever shows that one gets the next. Whoever shows the one
before it within GRACE gets the same successor: two tabs that renew at the same moment, or an answer that was
lost. Any older one was used before, by its owner or by a thief: the family ends, with its access tokens and
sockets, and the operators' journal says so, of one user three times a minute at the most.

A token of JWT_SECRET_PREVIOUS is renewed under that secret, and no longer than it was to live: what rests on
a secret ends when operators drop it, and 14 days after a rotation nothing rests on the old one.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from django.db import transaction
from django.db.models import Exists, F
from django.db.models.functions import Now

from realtime import controls, tokens
from realtime.models import TokenFamily
from realtime.quotas import TokenBuckets
from realtime.refusals import note, shown
from realtime.tokens import ACCESS_SECONDS, ENDED, REFRESH_SECONDS, Claims, TokenError, TokenType

GRACE = timedelta(seconds=10)
LIFE = timedelta(seconds=REFRESH_SECONDS)
AT_ONCE = 500
REUSED = "this refresh token was used before, so its log-in has ended: log in again"
# A user may log in and use tokens twice as often as they like. The journal is for people to read, and each
# entry locks it for all operators.
NOTED = TokenBuckets(3)
UNNOTED = "the journal holds three of a user a minute; the log-in has ended"

Pair = dict[str, str]


def begin(user: Any) -> Pair:
    """The first pair of a log-in."""
    family = TokenFamily(id=uuid4(), user_id=str(user.pk), renewed_at=Now(), expires_at=Now() + LIFE)
    family.save(force_insert=True)
    family.refresh_from_db()
    return _pair(family, user)


def renew(claims: Claims, user: Any) -> Pair:
    """The pair that takes the place of a refresh token's. Raises TokenError."""
    with transaction.atomic():
        family = _locked(claims)
        if family is None or family.ended_at is not None or claims.generation > family.generation:
            raise TokenError("ended", ENDED)  # newer than the row: of a database that was restored since
        if claims.generation == family.generation:
            _advance(family, claims)
        elif not _in_grace(family, claims):
            _end_reused(family, user)
            family = None
    if family is None:  # raised in there it would take back what was written
        raise TokenError("reused", REUSED)
    return _pair(family, user, claims)


def end(claims: Claims) -> None:
    """End the family of a refresh token: its owner logs out."""
    with transaction.atomic():
        family = _locked(claims)
        if family is not None and family.ended_at is None:
            _end(family)


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


def _locked(claims: Claims) -> TokenFamily | None:
    """The row, locked. A token of a version without families is generation 0 of one that begins with it, and
    whose id follows from the token, so that a second use is known for one.
    """
    id_ = UUID(claims.family) if claims.family else uuid5(NAMESPACE_OID, f"{claims.subject} {claims.id}")
    if not claims.family:
        ends = min(claims.expires_at, time.time() + REFRESH_SECONDS)  # a claim may say the year 9999
        expires_at = datetime.fromtimestamp(ends, UTC)
        row = TokenFamily(
            id=id_, user_id=claims.subject, generation=0, renewed_at=Now(), expires_at=expires_at
        )
        TokenFamily.objects.bulk_create([row], ignore_conflicts=True)
    return TokenFamily.objects.select_for_update().filter(pk=id_, user_id=claims.subject).first()


def _advance(family: TokenFamily, claims: Claims) -> None:
    """The token's successor is the good one from now on."""
    life = {} if claims.previous else {"expires_at": Now() + LIFE}
    TokenFamily.objects.filter(pk=family.pk).update(generation=F("generation") + 1, renewed_at=Now(), **life)
    family.refresh_from_db()


def _in_grace(family: TokenFamily, claims: Claims) -> bool:
    """Whether the token is the one before the good one, which was given out a moment ago."""
    if claims.generation != family.generation - 1:
        return False
    return TokenFamily.objects.filter(pk=family.pk, renewed_at__gte=Now() - GRACE).exists()


def _end(family: TokenFamily) -> None:
    TokenFamily.objects.filter(pk=family.pk).update(ended_at=Now())
    controls.user_changed(family.user_id)


def _end_reused(family: TokenFamily, user: Any) -> None:
    _end(family)
    if not NOTED.take(family.user_id, time.monotonic()):
        note("token reused", f"a refresh token of user {shown(user.get_username())}", UNNOTED)
        return
    with controls.noting(controls.gateway(user), REUSED) as entries:
        entries.add("token reused", f"user {user.get_username()}", new="its log-in has ended")


def _pair(family: TokenFamily, user: Any, renewed: Claims | None = None) -> Pair:
    """The access token is another one each time; the refresh token is the same for the same row."""
    previous = renewed is not None and renewed.previous
    auth = tokens.auth_digest(user.get_session_auth_hash())
    left = int((family.expires_at - datetime.now(UTC)).total_seconds())
    refresh = {
        "sub": family.user_id,
        "type": TokenType.REFRESH.value,
        "exp": int(family.expires_at.timestamp()),
        "auth": auth,
        "fam": str(family.pk),
        "gen": family.generation,
    }
    access = tokens.claims_of(
        family.user_id, TokenType.ACCESS, max(1, min(ACCESS_SECONDS, left)), auth, fam=str(family.pk)
    )
    return {"access": tokens.sign(access, previous), "refresh": tokens.sign(refresh, previous)}
