"""The rows that django-axes writes about log-ins, deleted when nothing needs them any more.

Its tables have no index by time, so the rows of the lowest ids are looked at: those are the oldest, or were
until a failure was counted on them again.
"""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.db.models.functions import Now

from realtime.chunks import days_ago

AT_ONCE = 500


def forget_attempts() -> int:
    """Delete failures that no lock counts any more, AT_ONCE at the most; how many went."""
    return _delete(AccessAttempt, Now() - timedelta(hours=settings.AXES_COOLOFF_TIME))


def forget_history() -> int:
    """Delete log-ins older than CONNECTION_HISTORY_DAYS (0: none), AT_ONCE at the most; how many went."""
    days = settings.CONNECTION_HISTORY_DAYS
    if not days:
        return 0
    return _delete(AccessLog, days_ago(days)) or _delete(AccessFailureLog, days_ago(days))


def _delete(model: Any, before: Any) -> int:
    oldest = list(model.objects.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    deleted: int = model.objects.filter(pk__in=oldest, attempt_time__lt=before).delete()[0]
    return deleted
