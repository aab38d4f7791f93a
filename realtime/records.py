"""The rows of connections: written in batches by their gateway, read by operators, deleted in the end."""

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from realtime import leases
from realtime.characters import escaped
from realtime.chunks import days_ago, delete_in_chunks
from realtime.leases import Condition, Holder
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.networks import sort_key

CHUNK = 500
UNRECORDED = "it closed while the database could not be written, and how was not kept"
CHANGING = (
    *("user_id", "username", "credential", "rooms", "last_frame_at"),
    *("frames_in", "frames_out", "bytes_in", "bytes_out", "lag"),
    *("closed_at", "close_code", "close_reason"),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A connection at one moment. Times are seconds of this process's monotonic clock."""

    id: str
    user_id: str | None
    username: str | None
    address: str
    agent: str
    transport: str
    rooms: tuple[str, ...]
    opened_at: float
    last_frame_at: float
    frames_in: int
    frames_out: int
    closed_at: float | None = None
    close_code: int | None = None
    close_reason: str | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    lag: int = 0
    credential: str = "guest"
    has_origin: bool = False


def write(holder: Holder, condition: Condition, snapshots: Collection[Snapshot]) -> bool:
    """Renew the lease and write what has changed under it; False, and nothing is written, where it has ended.

    A snapshot says all there is to say of its connection, so one that was written before, in a transaction
    whose outcome nobody heard, is just written again.
    """
    with transaction.atomic():
        if not leases.renew(holder, condition):
            return False
        _put(holder, snapshots)
    return True


def write_all(holder: Holder, condition: Condition, snapshots: Collection[Snapshot]) -> None:
    """Take the lease, and make its open rows just those of `snapshots`, which has every open connection."""
    with transaction.atomic():
        leases.take(holder, condition)
        _put(holder, snapshots)
        known = {UUID(snapshot.id) for snapshot in snapshots}
        stray = set(leases.open_records(holder.instance).values_list("id", flat=True)) - known
        for ids in _chunks(stray):
            ConnectionRecord.objects.filter(id__in=ids).update(closed_at=Now(), close_reason=UNRECORDED)


def write_last(holder: Holder, condition: Condition, snapshots: Collection[Snapshot]) -> None:
    """The same, and then give the lease back: this gateway stops."""
    with transaction.atomic():
        write_all(holder, condition, snapshots)
        leases.end(holder)


def _put(holder: Holder, snapshots: Collection[Snapshot]) -> None:
    """Insert the rows, or bring those that are there up to date: one statement for as many as it may hold."""
    if not snapshots:
        return
    now, here = leases.renewed_at(holder), time.monotonic()
    rows = [_row(holder, snapshot, now, here) for snapshot in snapshots]
    ConnectionRecord.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["id"], update_fields=CHANGING
    )


def _row(holder: Holder, snapshot: Snapshot, now: datetime, here: float) -> ConnectionRecord:
    """Moments of the process's clock become the database's: it was `now` there when it was `here` in ours."""

    def at(moment: float) -> datetime:
        return now - timedelta(seconds=max(0.0, here - moment))

    return ConnectionRecord(
        id=UUID(snapshot.id),
        gateway_id=holder.instance,
        user_id=snapshot.user_id,
        username=snapshot.username,
        address=snapshot.address[:100],
        agent=escaped(snapshot.agent)[:200],
        transport=snapshot.transport,
        rooms=list(snapshot.rooms),
        opened_at=at(snapshot.opened_at),
        last_frame_at=at(snapshot.last_frame_at),
        frames_in=snapshot.frames_in,
        frames_out=snapshot.frames_out,
        bytes_in=snapshot.bytes_in,
        bytes_out=snapshot.bytes_out,
        lag=snapshot.lag,
        credential=snapshot.credential,
        has_origin=snapshot.has_origin,
        address_key=sort_key(snapshot.address),
        closed_at=None if snapshot.closed_at is None else at(snapshot.closed_at),
        close_code=snapshot.close_code,
        close_reason=snapshot.close_reason and snapshot.close_reason[:200],
    )


def live() -> QuerySet[ConnectionRecord]:
    """The connections that are open on gateways that live, the oldest first."""
    gateways = GatewayProcess.objects.filter(leases.live())
    return ConnectionRecord.objects.filter(closed_at=None, gateway__in=gateways)


def forget(days: int, stopping: threading.Event | None = None) -> int:
    """Delete what closed more than `days` ago, and gateways of which nothing is left; how many connections.

    0 days keeps everything. Ends early, with whole chunks, once `stopping` is set.
    """
    if not days:
        return 0
    horizon = days_ago(days)
    old = ConnectionRecord.objects.filter(closed_at__lt=horizon).order_by("closed_at")
    ended = GatewayProcess.objects.filter(ended_at__lt=horizon, records=None).order_by("ended_at")
    forgotten = delete_in_chunks(partial(_delete_chunk, old), CHUNK, stopping)
    delete_in_chunks(partial(_delete_chunk, ended), CHUNK, stopping)
    return forgotten


def forget_guests(most: int, stopping: threading.Event | None = None) -> int:
    """Delete closed connections of guests, but for the newest `most`; how many. 0 keeps all.

    Strangers decide how many there are. Ends early as above.
    """
    closed = ConnectionRecord.objects.filter(user_id=None, closed_at__isnull=False)
    newest_to_go = closed.order_by("-closed_at").values_list("closed_at", flat=True)[most : most + 1].first()
    if not most or newest_to_go is None:
        return 0
    surplus = closed.filter(closed_at__lte=newest_to_go).order_by("closed_at")
    return delete_in_chunks(partial(_delete_chunk, surplus), CHUNK, stopping)


def _delete_chunk(rows: "QuerySet[ConnectionRecord] | QuerySet[GatewayProcess]") -> int:
    """Delete the first of these rows, CHUNK at the most; how many went."""
    return rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:CHUNK])).delete()[0]


def _chunks(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    left = iter(ids)
    while chunk := list(islice(left, CHUNK)):
        yield chunk
