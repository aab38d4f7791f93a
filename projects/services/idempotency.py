"""Answers kept by idempotency key, each written in the transaction of the change that it answers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Model
from django.db.models.functions import Now

from projects.errors import KeyReused, NotFound
from projects.models import IdempotencyKey, User
from projects.rooms import readers
from projects.services.writing import NOT_THERE

RETENTION = timedelta(days=7)
PRUNED_AT_ONCE = 500


def idempotency_claim(*, user: User, key: str, fingerprint: str) -> tuple[IdempotencyKey, bool]:
    """The key's row, and whether it is this request's own, to be answered now. Raises KeyReused, and NotFound
    where the user may not see any more what the kept answer shows. (Of what was deleted it shows nothing.)

    Call it first thing in the transaction of the change. ON CONFLICT DO NOTHING waits for a
    concurrent holder of the same key, so the second of two gets the first one's answer, or,
    had that failed and rolled back, the key itself.
    """
    mine = IdempotencyKey(user=user, key=key, fingerprint=fingerprint)
    if insert_once(mine):
        return mine, True
    kept = IdempotencyKey.objects.get(user=user, key=key)
    if kept.fingerprint != fingerprint:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one for each change.")
    if kept.body and kept.project_id and not readers(str(kept.project_id), [str(user.pk)]):
        raise NotFound(NOT_THERE)
    return kept, False


def insert_once(row: Model) -> bool:
    """Whether it is there now: False where another one has its key. `bulk_create` does not tell."""
    fields = row._meta.concrete_fields
    columns = ", ".join(str(field.column) for field in fields)
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
    places = ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(
            # Names of our own model's table and columns; the values are parameters.
            f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608
            values,
        )
        return bool(cursor.rowcount)


def idempotency_keep(
    *, claim: IdempotencyKey, project_id: UUID | None, status: int, headers: dict[str, str], body: str
) -> None:
    """Write the answer, before the transaction of its change commits."""
    IdempotencyKey.objects.filter(pk=claim.pk).update(
        project_id=project_id, status=status, headers=headers, body=body
    )


def idempotency_prune(*, older_than: timedelta = RETENTION) -> int:
    """Forget the oldest answers, PRUNED_AT_ONCE at the most; returns how many. Nobody retries after days."""
    return forget(IdempotencyKey, older_than=older_than)


def forget(model: type[Model], *, older_than: timedelta) -> int:
    """The same for any rows with a `created_at`."""
    rows = model._default_manager
    expired = rows.filter(created_at__lt=Now() - older_than).order_by("created_at")
    chosen = list(expired.values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    return rows.filter(pk__in=chosen).delete()[0]
