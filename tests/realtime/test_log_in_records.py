"""What is written about log-ins is deleted in time: else every guess of a stranger's stays for ever."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.utils import timezone
from pytest_django import Settings

from realtime import log_in_records
from realtime.log_in_records import AT_ONCE

pytestmark = pytest.mark.django_db


def add(model: Any, name: str, days: float) -> None:
    """A row that is so many days old."""
    extra = {"failures_since_start": 1} if model is AccessAttempt else {}
    row = model.objects.create(username=name, ip_address="203.0.113.1", **extra)
    model.objects.filter(pk=row.pk).update(attempt_time=timezone.now() - timedelta(days=days))


def names(model: Any) -> set[str]:
    return set(model.objects.values_list("username", flat=True))


def test_failures_go_when_no_lock_counts_them() -> None:
    add(AccessAttempt, "old", days=1)
    add(AccessAttempt, "counted", days=0)
    assert log_in_records.forget_attempts() == 1
    assert names(AccessAttempt) == {"counted"}


@pytest.mark.parametrize("model", [AccessLog, AccessFailureLog])
def test_log_ins_are_kept_as_long_as_connections(settings: Settings, model: Any) -> None:
    settings.CONNECTION_HISTORY_DAYS = 30
    add(model, "old", days=31)
    add(model, "kept", days=29)
    assert log_in_records.forget_history() == 1
    assert names(model) == {"kept"}
    settings.CONNECTION_HISTORY_DAYS = 0
    add(model, "old", days=5000)
    assert log_in_records.forget_history() == 0


def test_no_more_than_a_few_hundred_go_at_once() -> None:
    rows = (
        AccessAttempt(username=f"nobody {n}", ip_address="203.0.113.1", failures_since_start=1)
        for n in range(AT_ONCE + 1)
    )
    AccessAttempt.objects.bulk_create(rows)
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=1))
    assert [log_in_records.forget_attempts() for _ in range(3)] == [AT_ONCE, 1, 0]
