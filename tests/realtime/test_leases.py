"""Leases: without them a dead gateway's people would be shown for ever, or a live one's as gone."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models.functions import Now

from realtime import leases, metrics, records
from realtime.leases import Condition, Expired, Holder
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.records import Snapshot
from tests.support.locks import waiting_for_a_lock
from tests.support.processes import eventually

WELL = Condition(connections=2, bell_healthy=True)


def holder(name: str = "one") -> Holder:
    return Holder(f"gateway-{name}", "1.2.3", "host", 4711)


def snapshot(closed: bool = False) -> Snapshot:
    now = time.monotonic()
    ending = (now, 1000, "the client left") if closed else (None, None, None)
    return Snapshot(
        str(uuid4()), "7", "olive", "127.0.0.1", "", "websocket", (), now - 5, now - 1, 1, 2, *ending
    )


def run_out(name: str = "one") -> None:
    """As if its owner had not been heard of for a while."""
    GatewayProcess.objects.filter(instance=f"gateway-{name}").update(expires_at=Now() - timedelta(seconds=1))


def live() -> list[str]:
    return list(GatewayProcess.objects.filter(leases.live()).values_list("instance", flat=True))


def expired_total() -> float:
    return float(metrics.LEASES_EXPIRED._value.get())


pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lease_runs_for_six_seconds_by_the_clock_of_the_database() -> None:
    leases.take(holder(), WELL)
    row = GatewayProcess.objects.get()
    assert row.expires_at - row.renewed_at == timedelta(seconds=leases.LEASE_SECONDS)
    assert row.started_at == pytest.approx(row.renewed_at, abs=timedelta(milliseconds=1))
    assert (row.version, row.host, row.pid, row.connections) == ("1.2.3", "host", 4711, 2)
    assert live() == ["gateway-one"]
    run_out()
    assert live() == []


def test_a_renewal_prolongs_it_and_says_how_the_gateway_does() -> None:
    leases.take(holder(), WELL)
    run_out()
    assert leases.renew(holder(), Condition(5, bell_healthy=False, memory=metrics.resident_bytes()))
    row = GatewayProcess.objects.get()
    assert live() == ["gateway-one"]
    assert (row.connections, row.bell_healthy) == (5, False)
    assert row.memory > 20_000_000  # of this very process


def test_a_dead_gateways_connections_are_closed_off_and_nobody_elses() -> None:
    open_one, closed_one, others = snapshot(), snapshot(closed=True), snapshot()
    records.write_all(holder("one"), WELL, [open_one, closed_one])
    records.write_all(holder("two"), WELL, [others])
    run_out("one")
    before = expired_total()

    assert leases.expire_overdue() == [Expired("gateway-one", 1)]

    gone = ConnectionRecord.objects.get(id=open_one.id)
    assert (gone.close_code, gone.close_reason) == (1006, "its gateway died")
    assert gone.closed_at is not None
    assert ConnectionRecord.objects.get(id=closed_one.id).close_code == 1000
    assert [str(record.id) for record in records.live()] == [others.id]
    assert GatewayProcess.objects.get(instance="gateway-one").connections == 0
    assert expired_total() == before + 1
    assert leases.expire_overdue() == []


def test_nothing_is_written_under_a_lease_that_has_ended() -> None:
    """A batch that a paused gateway sends late would bring its dead sockets back for good."""
    records.write_all(holder(), WELL, [])
    run_out()
    leases.expire_overdue()
    assert records.write(holder(), WELL, [snapshot()]) is False
    assert ConnectionRecord.objects.count() == 0


def test_who_takes_the_lease_again_has_just_the_connections_that_it_still_holds() -> None:
    kept, lost = snapshot(), snapshot()
    records.write_all(holder(), WELL, [kept, lost])
    began = GatewayProcess.objects.get().started_at
    run_out()
    leases.expire_overdue()
    records.write_all(holder(), WELL, [kept])
    row = ConnectionRecord.objects.get(id=kept.id)
    assert (row.closed_at, row.close_code, row.close_reason) == (None, None, None)
    assert ConnectionRecord.objects.get(id=lost.id).close_code == 1006
    assert (live(), GatewayProcess.objects.get().started_at) == (["gateway-one"], began)


def test_a_connection_that_the_gateway_no_longer_knows_is_closed_with_the_whole_picture() -> None:
    known, forgotten = snapshot(), snapshot()
    records.write_all(holder(), WELL, [known, forgotten])
    records.write_all(holder(), WELL, [known])
    row = ConnectionRecord.objects.get(id=forgotten.id)
    assert row.closed_at is not None
    assert (row.close_code, row.close_reason) == (None, records.UNRECORDED)


def test_a_gateway_that_stops_leaves_no_lease_and_nothing_open() -> None:
    last = snapshot(closed=True)
    records.write_all(holder(), WELL, [snapshot()])
    records.write_last(holder(), WELL, [last])
    assert live() == []
    assert GatewayProcess.objects.get().ended_at is not None
    assert not ConnectionRecord.objects.filter(closed_at=None).exists()
    assert ConnectionRecord.objects.get(id=last.id).close_reason == "the client left"


def test_only_the_eldest_that_lives_does_what_one_does_for_all() -> None:
    leases.take(holder("one"), WELL)
    leases.take(holder("two"), WELL)
    GatewayProcess.objects.filter(instance="gateway-two").update(started_at=Now() - timedelta(hours=1))
    assert [leases.is_eldest(holder(name)) for name in ("one", "two")] == [False, True]
    run_out("two")
    assert [leases.is_eldest(holder(name)) for name in ("one", "two")] == [True, False]


def test_the_operators_command_closes_off_and_says_how_many() -> None:
    records.write_all(holder(), WELL, [snapshot(), snapshot()])
    assert printed("cleanup_connections") == "Closed off 0 connections of 0 dead gateways.\n"
    run_out()
    assert printed("cleanup_connections").splitlines()[-1] == "Closed off 2 connections of 1 dead gateway."


def printed(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.mark.postgresql
def test_of_two_that_find_a_gateway_dead_one_wins_and_the_other_counts_nothing() -> None:
    """Both have seen that the lease has run out, and wait for its row: the second must find it ended."""
    records.write_all(holder(), WELL, [snapshot(), snapshot()])
    run_out()
    before = expired_total()
    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic():
            GatewayProcess.objects.select_for_update().get()
            both = [pool.submit(closing(leases.expire_overdue)) for _ in range(2)]
            eventually(lambda: len(waiting_for_a_lock()) == 2, what="both to want the lease")
        found = [expired for each in both for expired in each.result(timeout=20)]
    assert found == [Expired("gateway-one", 2)]
    assert expired_total() == before + 1


@pytest.mark.postgresql
def test_a_renewal_that_comes_just_before_the_end_keeps_the_lease() -> None:
    """The reaper has seen it run out and waits for the row, which its owner is renewing."""
    records.write_all(holder(), WELL, [snapshot()])
    run_out()
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert leases.renew(holder(), WELL)
            reaper = pool.submit(closing(leases.expire_overdue))
            eventually(lambda: reaper.done() or len(waiting_for_a_lock()) == 1, what="the reaper to look")
        assert reaper.result(timeout=20) == []
    assert len(records.live()) == 1


def closing(work):
    """The same in a thread, its database connection closed behind it."""

    def run():
        try:
            return work()
        finally:
            connection.close()

    return run
