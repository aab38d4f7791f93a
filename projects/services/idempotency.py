"""Answers kept by idempotency key, each written in the transaction of the change that it answers."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from projects.errors import KeyReused
from projects.models import IdempotencyKey, User

RETENTION = timedelta(days=7)


def idempotency_claim(*, user: User, key: str, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it is this request's own, to be answered now. Raises KeyReused.

    Call it first thing in the transaction of the change. ON CONFLICT DO NOTHING waits for a
    concurrent holder of the same key, so the second of two gets the first one's answer, or,
    had that failed and rolled back, the key itself.
    """
    mine = IdempotencyKey(user=user, key=key, fingerprint=fingerprint)
    IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
    kept = IdempotencyKey.objects.get(user=user, key=key)
    if kept.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one for each change.")
    return kept, kept.pk == mine.pk


def idempotency_keep(*, claim: IdempotencyKey, status: int, headers: dict[str, str], body: str) -> None:
    """Write the answer, before the transaction of its change commits."""
    claim.status, claim.headers, claim.body = status, headers, body
    claim.save(update_fields=["status", "headers", "body"])


def idempotency_prune(*, older_than: timedelta = RETENTION) -> int:
    """Forget old answers; returns how many. Nobody retries a request after days."""
    expired = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - older_than)
    return expired.delete()[0]
