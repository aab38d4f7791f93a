"""What clients create under ids of their own choice: the same creation, asked for again, is made once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings

from projects import events
from projects.errors import IdTaken, NotFound
from projects.models import Creation, User
from projects.rooms import readers, room_of
from projects.services import idempotency
from projects.services.writing import NOT_THERE
from realtime import eventlog


def creation_claim(*, user: User, id: UUID, fingerprint: str) -> tuple[Creation, bool]:
    """The id's row, and whether it is this request's own, to be made now. Raises IdTaken, and NotFound where
    the user may not see any more what was made.

    Call it in the transaction of the change, behind the claim of an idempotency key and before the room is
    locked: whoever claims several, in the order of ids. It waits for a request under way with the same id.
    """
    mine = Creation(id=id, user_id=user.pk, fingerprint=fingerprint)
    if idempotency.insert_once(mine):
        return mine, True
    kept = Creation.objects.get(pk=id)
    if (kept.user_id, kept.fingerprint) != (user.pk, fingerprint):
        raise IdTaken
    if not readers(str(kept.project_id), [str(user.pk)]):
        raise NotFound(NOT_THERE)
    return kept, False


def creation_keep(*, claim: Creation, change: eventlog.AllOrNothing, headers: dict[str, str]) -> None:
    """Note which event tells of it, the first of the change, before its transaction commits."""
    Creation.objects.filter(pk=claim.pk).update(
        project_id=UUID(change.rooms[0].id), seq=change.events[0].seq, headers=headers
    )


def creation_told(claim: Creation) -> dict[str, Any]:
    """What was created, as it was told then; it may have changed, or be gone.

    Raises IdTaken where the log does not hold that any more.
    """
    assert claim.project_id is not None
    assert claim.seq is not None
    event = eventlog.event_at(room_of(claim.project_id), claim.seq)
    if event is None:
        raise IdTaken
    return events.created(event.wire()["data"])


def creation_prune() -> int:
    """Forget the oldest, PRUNED_AT_ONCE at the most; returns how many. They are kept as long as events."""
    if not settings.EVENT_RETENTION_DAYS:
        return 0
    kept_for = timedelta(days=settings.EVENT_RETENTION_DAYS)
    return idempotency.forget(Creation, older_than=max(kept_for, idempotency.RETENTION))
