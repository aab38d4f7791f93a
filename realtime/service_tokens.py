"""Tokens of other services, as rows that operators see and revoke. Each use asks for its row."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from realtime import journal, tokens
from realtime.journal import Operator
from realtime.models import ServiceToken
from realtime.tokens import Claims, TokenError, TokenType

USED_EVERY = timedelta(minutes=1)  # how often a use is written down
AT_ONCE = 500


def create(operator: Operator, name: str, *, seconds: int, room: str = "") -> str:
    """A new token that lives so many seconds; `room`: the only one it may publish to, by name."""
    row = ServiceToken(
        id=uuid4(),
        name=name,
        room=room,
        created_at=Now(),
        created_by=operator.name,
        expires_at=Now() + timedelta(seconds=seconds),
    )
    with journal.writing(operator) as entries:
        row.save(force_insert=True)
        entries.add("token made", f"service {name}", new=str(row.pk))
    return tokens.issue(name, TokenType.SERVICE, seconds, sid=str(row.pk))


def check(claims: Claims) -> str:
    """The name of the only room that a token is good for; empty: any. Raises TokenError."""
    if not claims.service:
        if not settings.UNLISTED_SERVICE_TOKENS:
            raise TokenError("unlisted", "tokens without an id are refused here: make a new one")
        return ""
    row = ServiceToken.objects.filter(pk=UUID(claims.service), revoked_at=None).first()
    if row is None:
        raise TokenError("revoked", "this token was revoked")
    seldom = Q(last_used_at=None) | Q(last_used_at__lt=Now() - USED_EVERY)
    ServiceToken.objects.filter(seldom, pk=row.pk).update(last_used_at=Now())
    return row.room


def forget() -> int:
    """Delete tokens that ran out a month ago, AT_ONCE at the most; how many went."""
    over = ServiceToken.objects.filter(expires_at__lt=Now() - timedelta(days=30)).order_by("expires_at")
    return ServiceToken.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]
