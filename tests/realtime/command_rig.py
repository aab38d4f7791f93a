"""Commands as they are typed, and gateways that do what they are told."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import Any

from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from realtime import confirmation, forecast, journal, leases
from realtime.leases import Condition, Holder
from realtime.models import ConnectionRecord, OperatorAction
from tests.support.console import Outcome


def typed(*arguments: str) -> Outcome:
    """A command as it is typed; `err` ends with why it ended with 1."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except CommandError as wrong:
        return Outcome(wrong.returncode, out.getvalue(), f"{err.getvalue()}{wrong}")
    return Outcome(0, out.getvalue(), err.getvalue())


def lives(name: str = "gateway-one", **said: Any) -> None:
    """A gateway that lives and follows at once. `said`: what its environment says, by setting."""
    environment = {setting.replace("_", "-"): value for setting, value in said.items()}
    leases.take(Holder(name, "1", "host", 1, environment), Condition(0, bell_healthy=True, rules_seq=99))


@contextmanager
def obeying(code: int) -> Iterator[None]:
    """What gateways write while they follow: whoever may not stay, or is meant by an order, is closed."""
    over, seen = threading.Event(), journal.head()

    def follow() -> None:
        while journal.head() == seen and not over.wait(0.02):
            pass
        for order in OperatorAction.objects.filter(seq__gt=seen):
            meant = confirmation.meant(order).filter(closed_at=None)
            meant.update(closed_at=timezone.now(), close_code=code, close_reason=order.reason)
        for record, reason in forecast.of_policy({}):
            found = ConnectionRecord.objects.filter(pk=record.pk)
            found.update(closed_at=timezone.now(), close_code=code, close_reason=reason)
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(follow)
        yield
        over.set()
        following.result(timeout=10)
