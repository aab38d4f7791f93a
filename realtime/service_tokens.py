"""Tokens of other services, as rows that operators see and revoke. Each use asks for its row."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from realtime import journal, tokens
from realtime.journal import Operator
from realtime.models import ServiceToken
from realtime.tokens import Claims, TokenError, TokenType

NOTED_EVERY = timedelta(minutes=1)  # how often a use is written down
KEPT = timedelta(days=30)  # in the list, after a token has run out
AT_ONCE = 500


def create(operator: Operator, name: str, *, seconds: int, room: str = "", reason: str = "") -> str:
    """A new token that lives so many seconds; `room`: the only one it may publish to, by name."""
    row = ServiceToken(
        id=uuid4(),
        name=name,
        room=room,
        created_at=Now(),
        created_by=operator.name,
        expires_at=Now() + timedelta(seconds=seconds),
    )
    with journal.writing(operator, reason) as entries:
        row.save(force_insert=True)
        entries.add("token made", f"service {row}", new=f"for {room or 'any board'}")
    return tokens.issue(name, TokenType.SERVICE, seconds, sid=str(row.pk))


def revoke(operator: Operator, token_id: UUID, reason: str = "") -> ServiceToken | None:
    """Accept a token no longer; None where there is none, or it was revoked before."""
    with journal.writing(operator, reason) as entries:
        row = ServiceToken.objects.filter(pk=token_id, revoked_at=None).first()
        if row is not None:
            ServiceToken.objects.filter(pk=token_id).update(revoked_at=Now(), revoked_by=operator.name)
            entries.add("token revoked", f"service {row}")
    return row


def check(claims: Claims) -> str:
    """The name of the only room that a token is good for; empty: any. Raises TokenError."""
    if not claims.service:
        if not settings.UNLISTED_SERVICE_TOKENS:
            raise TokenError("unlisted", "tokens without an id are refused here: make a new one")
        return ""
    noted = ExpressionWrapper(Q(last_used_at__gt=Now() - NOTED_EVERY), BooleanField())
    rows = ServiceToken.objects.filter(pk=claims.service)
    row = rows.filter(revoked_at=None).annotate(noted=noted).first()
    if row is None:
        raise TokenError("revoked", "this token was revoked, or is of another database")
    if not row.noted:
        rows.update(last_used_at=Now())
    return row.room


def forget() -> int:
    """Delete tokens that ran out before KEPT, AT_ONCE at the most; how many went."""
    over = ServiceToken.objects.filter(expires_at__lt=Now() - KEPT).order_by("expires_at")
    return ServiceToken.objects.filter(pk__in=list(over.values_list("pk", flat=True)[:AT_ONCE])).delete()[0]
