"""The rows of connections: what an operator is shown, and what goes after its days."""

import json
import threading
import time
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db.models.functions import Now

from realtime import records, upkeep
from realtime.leases import Condition, Holder
from realtime.management.commands import audit_connections
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.records import Snapshot
from realtime.session import lifetime

pytestmark = pytest.mark.django_db(transaction=True)
HOLDER = Holder("gateway-one", "1.2.3", "host", 4711)
WELL = Condition(connections=0, bell_healthy=True)


def snapshot(code: int | None = None, reason: str | None = None, username: str | None = "olive") -> Snapshot:
    """An open connection, or one that was closed with that code."""
    now = time.monotonic()
    closed_at = None if code is None else now
    return Snapshot(
        str(uuid4()),
        *(username and "7", username, "192.0.2.7", "agent", "websocket", ("a-room",)),
        *(now - 5, now - 1, 1, 2),
        *(closed_at, code, reason),
    )


def test_history_goes_after_its_days_and_what_is_open_stays() -> None:
    old, recent, still_open = snapshot(1001), snapshot(1001), snapshot()
    records.write_all(HOLDER, WELL, [old, recent, still_open])
    row(old).update(closed_at=Now() - timedelta(days=31))
    row(still_open).update(opened_at=Now() - timedelta(days=31))
    assert records.forget(0) == 0
    assert records.forget(30) == 1
    assert [row(each).exists() for each in (old, recent, still_open)] == [False, True, True]


def row(each: Snapshot):
    return ConnectionRecord.objects.filter(id=each.id)


def test_of_guests_only_the_newest_connections_are_kept() -> None:
    """They cost nobody but whoever keeps them."""
    gone = [snapshot(1001, username=None) for _ in range(3)]
    kept = [snapshot(1001, username=None), snapshot(1001), snapshot(username=None)]
    for each in [*gone, kept[0]]:
        records.write_all(HOLDER, WELL, [each])
    records.write_all(HOLDER, WELL, kept)
    for age, each in enumerate([*kept[:1], *gone, kept[1]]):
        row(each).update(closed_at=Now() - timedelta(hours=age))
    assert records.forget_guests(0) == 0
    assert records.forget_guests(1) == 3
    assert all(row(each).exists() for each in kept)
    assert records.forget_guests(1) == 0


def test_more_goes_than_one_statement_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK", 3)
    records.write_all(HOLDER, WELL, [snapshot(1001) for _ in range(10)])
    ConnectionRecord.objects.update(closed_at=Now() - timedelta(days=31))
    assert records.forget(30) == 10


class FirstPause(threading.Event):
    """The process is told to stop while the deletion rests for the first time."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_a_gateway_that_stops_does_not_wait_for_the_last_old_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog of days would hold up its exit, until it is killed in the middle of its drain."""
    monkeypatch.setattr(records, "CHUNK", 3)
    records.write_last(HOLDER, WELL, [snapshot(1001) for _ in range(10)])
    ConnectionRecord.objects.update(closed_at=Now() - timedelta(days=31))
    assert records.forget(30, FirstPause()) == 3
    assert ConnectionRecord.objects.count() == 7


def test_the_hourly_cleaning_ends_when_its_gateway_does(settings) -> None:
    settings.CONNECTION_HISTORY_DAYS = 30
    records.write_all(HOLDER, WELL, [snapshot(1001)])
    ConnectionRecord.objects.update(closed_at=Now() - timedelta(days=31))
    stopping = threading.Event()
    stopping.set()
    upkeep.clean(HOLDER, {}, stopping)
    assert ConnectionRecord.objects.count() == 1
    upkeep.clean(HOLDER, {}, threading.Event())
    assert ConnectionRecord.objects.count() == 0


def test_more_gateways_go_than_one_statement_deletes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK", 3)
    for number in range(7):
        records.write_last(Holder(f"gateway-{number}", "1", "host", 1), WELL, [])
    GatewayProcess.objects.update(ended_at=Now() - timedelta(days=31))
    records.forget(30, FirstPause())
    assert GatewayProcess.objects.count() == 4
    records.forget(30)
    assert GatewayProcess.objects.count() == 0


def test_gateways_that_ended_go_once_nothing_is_left_of_them() -> None:
    records.write_last(HOLDER, WELL, [snapshot(1012)])
    GatewayProcess.objects.update(ended_at=Now() - timedelta(days=31))
    records.forget(30)
    assert GatewayProcess.objects.count() == 1
    ConnectionRecord.objects.update(closed_at=Now() - timedelta(days=31))
    records.forget(30)
    assert GatewayProcess.objects.count() == 0


def test_the_command_shows_live_ones_and_with_all_those_that_are_kept() -> None:
    stays, goes = snapshot(username=None), snapshot(4408, "nothing was heard of you for too long")
    records.write_all(HOLDER, WELL, [stays, goes])
    live, kept = (json.loads(shown("--json", *flags)) for flags in ((), ("--all",)))
    assert [connection["connectionId"] for connection in live] == [stays.id]
    assert list(live[0]) == [
        *("connectionId", "user", "address", "agent", "transport", "rooms", "gateway", "since"),
        *("lastFrameAt", "framesIn", "framesOut", "closeCode", "closeReason"),
    ]
    assert (live[0]["user"], live[0]["closeCode"], live[0]["gateway"]) == (None, None, "gateway-one")
    codes = {connection["connectionId"]: connection["closeCode"] for connection in kept}
    assert codes == {stays.id: None, goes.id: 4408}
    assert shown().splitlines()[-1] == "1 connection"
    assert "4408 nothing was heard" in shown("--all")


def test_a_connection_is_not_live_once_its_gateways_lease_has_run_out() -> None:
    """Also before anybody has closed it off."""
    records.write_all(HOLDER, WELL, [snapshot()])
    GatewayProcess.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert json.loads(shown("--json")) == []
    assert shown() == "0 connections\n"


def test_a_history_is_read_in_pages_and_shown_whole_and_in_order(monkeypatch) -> None:
    """It may hold a million; those that opened at the same moment stand on both sides of a page's end."""
    monkeypatch.setattr(audit_connections, "PAGE", 2)
    together = [snapshot() for _ in range(5)]
    records.write_all(HOLDER, WELL, [*together, snapshot()])
    ConnectionRecord.objects.filter(pk__in=[each.id for each in together]).update(
        opened_at=Now() - timedelta(hours=1)
    )
    listed = [connection["connectionId"] for connection in json.loads(shown("--json"))]
    assert listed == [str(pk) for pk in ConnectionRecord.objects.values_list("pk", flat=True)]
    assert len(listed) == 6


def shown(*flags: str) -> str:
    out = StringIO()
    call_command("audit_connections", *flags, stdout=out)
    return out.getvalue()


def test_a_row_takes_what_a_client_may_say_of_itself() -> None:
    """One that the database refuses would be refused again each second, and the lease with it."""
    odd = snapshot()
    values = {name: getattr(odd, name) for name in odd.__slots__} | {
        "agent": "a\0b" * 200,
        "address": "x" * 500,
    }
    records.write_all(HOLDER, WELL, [Snapshot(**values)])
    assert ConnectionRecord.objects.get().agent.startswith(r"a\u0000b")


def test_connections_that_opened_at_once_do_not_end_at_once(settings) -> None:
    """A burst of connects would come back as a burst of reconnects, every four hours."""
    settings.MAX_CONNECTION_AGE = 10_000
    drawn = [lifetime() for _ in range(500)]
    assert 9.0 <= min(drawn) < 9.2
    assert 10.8 < max(drawn) <= 11.0
    assert len(set(drawn)) > 200
    settings.MAX_CONNECTION_AGE = 0
    assert lifetime() == float("inf")
