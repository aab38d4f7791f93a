"""The audit's lease: renewed in time, taken again, given back at the end."""

import asyncio
import time
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from realtime import audit as audit_module
from realtime import leases, records
from realtime.database import in_database
from realtime.models import GatewayProcess
from realtime.protocol import CloseCode
from tests.realtime.audit_rig import Database, is_steady, make, open_socket, row
from tests.realtime.hub_rig import run
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    return Database(monkeypatch)


def test_a_lease_is_renewed_although_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        audit = make()
        await audit.beat()
        before = await in_database(GatewayProcess.objects.get)
        await audit.beat()  # too early
        assert (await in_database(GatewayProcess.objects.get)).renewed_at == before.renewed_at
        monkeypatch.setattr(audit, "_renewed_at", time.monotonic() - leases.RENEW_SECONDS)
        await audit.beat()
        assert (await in_database(GatewayProcess.objects.get)).renewed_at > before.renewed_at

    run(story())


def test_a_gateway_that_was_taken_for_dead_shows_its_sockets_again() -> None:
    async def story() -> None:
        audit = make()
        stays, goes = open_socket(audit), open_socket(audit)
        await audit.beat()
        await in_database(
            GatewayProcess.objects.update, expires_at=Now() - timedelta(seconds=1)
        )  # paused beyond its lease
        assert [dead.connections for dead in await in_database(leases.expire_overdue)] == [2]
        audit.closed(goes, 1001)
        assert await audit.beat() is True
        assert [str(record.id) for record in await in_database(list, records.live())] == [stays.id]
        assert (await in_database(row, goes)).close_code == 1001

    run(story())


def test_only_who_has_held_its_lease_for_a_while_calls_others_dead(database: Database) -> None:
    """After an outage of the database every lease has run out, and the first one back would end them all."""

    async def story() -> None:
        audit = make()
        await audit.beat()
        assert audit._steady_since is not None
        assert not is_steady(audit)
        audit._steady_since -= leases.LEASE_SECONDS + 1
        assert is_steady(audit)
        database.away = True
        audit._renewed_at = audit_module.NEVER  # it is time
        await audit.beat()
        assert not is_steady(audit)
        database.away = False
        await audit.beat()
        assert not is_steady(audit)

    run(story())


def test_stopping_closes_off_what_is_open_and_gives_the_lease_back() -> None:
    async def story() -> None:
        audit = make()
        told, untold = open_socket(audit), open_socket(audit)
        await audit.beat()
        told.close(CloseCode.RESTART, "this gateway stops")
        await audit.stop()
        assert (await in_database(row, told)).close_code == 1012
        assert (await in_database(row, untold)).close_code == 1006
        assert (await in_database(GatewayProcess.objects.get)).ended_at is not None

    run(story())


def test_stopping_does_not_wait_for_a_database_that_hangs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "LAST_WORD_SECONDS", 0.05)

    async def story() -> None:
        audit = make()
        database.hanging = asyncio.Event()
        beating = asyncio.ensure_future(audit.beat())
        await until(lambda: database.asked == 1)
        await asyncio.wait_for(audit.stop(), 1)
        database.hanging.set()
        await beating

    run(story())
