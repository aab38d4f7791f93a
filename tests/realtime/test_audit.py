"""The audit: what operators see of the sockets, written so that no socket ever waits for it."""

import asyncio
import logging
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from realtime import audit as audit_module
from realtime import metrics, records
from realtime.audit import NEVER, QUIET_SECONDS
from realtime.connection import Connection
from realtime.database import in_database
from realtime.leases import Condition
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.protocol import CloseCode
from tests.realtime.audit_rig import HOLDER, Database, join, make, open_socket, row, rows, written
from tests.realtime.hub_rig import run
from tests.support.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    return Database(monkeypatch)


def test_a_connection_is_told_with_all_that_an_operator_wants_to_know() -> None:
    audit = make()
    socket = open_socket(audit)
    room_id = join(socket)
    socket.frames_in, socket.outbox.taken = 3, 4
    run(audit.beat())  # type: ignore[arg-type]
    found = row(socket)
    assert (found.gateway_id, found.user_id, found.username) == ("gateway-one", "7", "olive")
    assert (found.address, found.agent, found.transport) == ("192.0.2.7", "agent", "websocket")
    assert (found.rooms, found.frames_in, found.frames_out) == ([room_id], 3, 4)
    assert (found.closed_at, found.close_code, found.close_reason) == (None, None, None)


def test_times_are_the_databases_however_long_ago_it_was(database: Database) -> None:
    """Its row is written late, after an outage: it still opened when it opened."""
    audit = make()
    socket = open_socket(audit)
    socket.opened_at -= 3600
    run(audit.beat())  # type: ignore[arg-type]
    ago = GatewayProcess.objects.get().renewed_at - row(socket).opened_at
    assert timedelta(seconds=3599) < ago < timedelta(seconds=3602)


def test_a_thousand_connections_of_one_second_are_one_batch_of_a_handful_of_statements() -> None:
    audit = make()
    records.write_all(HOLDER, Condition(0, True), [])
    for _ in range(1000):
        open_socket(audit)
    batch = audit._batch(time.monotonic())
    with CaptureQueriesContext(connection) as queries:
        records.write(HOLDER, Condition(1000, True), batch.snapshots)
    inserts = [query for query in queries if query["sql"].startswith("INSERT")]
    # SQLite takes 999 variables a statement, 22 a row; PostgreSQL as many as there are.
    assert len(inserts) <= (23 if connection.vendor == "sqlite" else 1)
    assert len(queries) <= len(inserts) + 4
    assert ConnectionRecord.objects.count() == 1000


def test_what_has_not_changed_is_not_written_again() -> None:
    async def story() -> None:
        audit = make()
        sockets = [open_socket(audit) for _ in range(3)]
        await audit.beat()
        assert written(audit) == 0
        sockets[0].frames_in += 1  # counts alone wait
        assert written(audit) == 0
        join(sockets[1])  # rooms do not
        sockets[2].identity = None
        assert written(audit) == 2

    run(story())


def test_counts_follow_at_a_slow_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        audit = make()
        busy, quiet = open_socket(audit), open_socket(audit)
        await audit.beat()
        busy.frames_in += 1
        assert written(audit) == 0
        monkeypatch.setattr(audit_module, "REFRESH_SECONDS", 1e-9)
        assert written(audit) == 1
        await audit.beat()
        assert (await in_database(row, busy)).frames_in == 1
        assert (await in_database(row, quiet)).frames_in == 0

    run(story())


def test_heartbeats_and_pongs_are_told_at_a_slower_pace_still() -> None:
    """Thousands that sit quietly before a board are most of what a gateway holds, and hardly any work."""

    def later(seconds: float) -> int:
        """How many are due so much later, nothing having been written since."""
        for entry in audit._open.values():
            entry.looked_at = NEVER
        return len(audit._batch(time.monotonic() + seconds).snapshots)

    audit = make()
    quiet, busy = open_socket(audit), open_socket(audit)
    run(audit.beat())  # type: ignore[arg-type]
    for socket, frames in ((quiet, 4), (busy, 40)):
        socket.outbox.taken += frames
        socket.last_frame_at = time.monotonic() + 25
    assert later(30) == 1
    assert later(QUIET_SECONDS + 1) == 2
    busy.outbox.taken -= 40
    quiet.frames_in += 1
    assert later(30) == 1


def test_a_close_keeps_its_reason_and_the_rooms_it_ended() -> None:
    async def story() -> None:
        audit = make()
        sockets = [open_socket(audit) for _ in range(3)]
        room_id = join(sockets[0])
        await audit.beat()
        audit.closed(sockets[0], CloseCode.TOO_SLOW, "you read too slowly")
        audit.closed(sockets[1], 1001)
        audit.closed(sockets[2], 1006)
        await audit.beat()
        found = [await in_database(row, socket) for socket in sockets]
        assert [record.close_code for record in found] == [4413, 1001, 1006]
        assert [record.close_reason for record in found] == [
            "you read too slowly",
            "the client left",
            "the connection broke off",
        ]
        assert found[0].rooms == [room_id]
        assert written(audit) == 0

    run(story())


def test_sockets_that_were_refused_are_kept_too_but_not_every_one_of_a_flood() -> None:
    async def story() -> None:
        audit, most = make(), audit_module.REFUSED_KEPT

        async def rows_after(*addresses: str) -> int:
            for address in addresses:
                socket = Connection(str(uuid4()), address, "", time.monotonic(), lambda: None)
                audit.closed(socket, CloseCode.FULL)
            await audit.beat()
            return await rows()

        assert await rows_after("192.0.2.8") == 1
        assert await rows_after(*most * ["192.0.2.7"]) == 1 + audit_module.REFUSED_KEPT_OF_ADDRESS
        assert await rows_after(*[f"198.51.100.{n}" for n in range(2 * most)]) == most

    run(story())


# --- The database is away -------------------------------------------------------------------------


def test_after_an_outage_the_rows_are_right_and_it_was_logged_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        audit = make()
        stays, goes = open_socket(audit), open_socket(audit)
        await audit.beat()
        database.away = True
        audit.closed(goes, 1001)
        comes = open_socket(audit)
        for _ in range(5):
            assert await audit.beat() is False
        database.away = False
        assert await audit.beat() is True
        assert {str(r.id) for r in await in_database(list, records.live())} == {stays.id, comes.id}
        assert (await in_database(row, goes)).close_code == 1001

    with caplog.at_level(logging.WARNING, "realtime.audit"):
        run(story())
    assert [message.split(",")[0] for message in caplog.messages] == [
        "the audit cannot be written",
        "the audit is written again",
    ]


def test_memory_is_bounded_while_it_is_away_and_the_count_is_right_afterwards(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit_module, "ENDED_KEPT", 10)
    dropped = metrics.AUDIT_DROPPED._value.get()

    async def story() -> None:
        audit = make()
        before = [open_socket(audit) for _ in range(5)]
        await audit.beat()
        database.away = True
        await audit.beat()
        for _ in range(20):
            audit.closed(open_socket(audit), 1001)
        for socket in before:
            audit.closed(socket, 1001)
        assert len(audit._ended) == 10
        database.away = False
        await audit.beat()
        assert not await in_database(records.live().exists)
        assert await rows() == 15

    with caplog.at_level(logging.WARNING, "realtime.audit"):
        run(story())
    assert metrics.AUDIT_DROPPED._value.get() == dropped + 15
    assert sum("more sockets have closed" in message for message in caplog.messages) == 1


def test_who_finds_no_room_while_a_batch_is_written_is_closed_off_all_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That all is to be written anew was forgotten with the end of the batch under way: a ghost for good."""
    monkeypatch.setattr(audit_module, "ENDED_KEPT", 1)

    async def story() -> None:
        audit = make()
        closing = [open_socket(audit) for _ in range(3)]
        await audit.beat()
        open_socket(audit)
        database.asked, database.hanging = 0, asyncio.Event()
        beating = asyncio.ensure_future(audit.beat())
        await until(lambda: database.asked == 1)
        for socket in closing:
            audit.closed(socket, 1001)
        database.hanging.set()
        assert await beating is True
        assert await audit.beat() is True
        assert await in_database(records.live().count) == 1

    run(story())


def test_a_database_that_hangs_is_asked_once_and_not_once_a_second(database: Database) -> None:
    """Each question that hangs takes a thread from the sockets' joins."""

    async def story() -> None:
        audit = make()
        open_socket(audit)
        database.hanging = asyncio.Event()
        first = asyncio.ensure_future(audit.beat())
        await until(lambda: database.asked == 1)
        for _ in range(5):
            assert await audit.beat() is False
        assert database.asked == 1
        database.hanging.set()
        assert await first is True
        assert await rows() == 1

    run(story())
