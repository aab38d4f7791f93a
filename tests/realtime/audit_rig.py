"""One gateway's audit, connections for it, and a database that can be away or hang."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import DatabaseError

from realtime import audit as audit_module
from realtime.audit import Audit
from realtime.connection import Connection, Identity, Seat
from realtime.database import in_database
from realtime.leases import Condition, Holder
from realtime.models import ConnectionRecord
from realtime.rooms import Room, RoomKind

HOLDER = Holder("gateway-one", "1.2.3", "host", 4711)
OLIVE = Identity("7", "Olive Owner", "olive")
KIND = RoomKind("board", "boardId", frozenset(), lambda room_id, users: set(users))


def make() -> Audit:
    return Audit(HOLDER, lambda: Condition(connections=0, bell_healthy=True), lambda _: 0)


def open_socket(audit: Audit, identity: Identity | None = OLIVE) -> Connection:
    now = time.monotonic()
    opened = Connection(str(uuid4()), "192.0.2.7", "agent", now, lambda: None, identity, last_frame_at=now)
    audit.opened(opened)
    return opened


def join(socket: Connection) -> str:
    room = Room(KIND, str(uuid4()))
    socket.seats[room.name] = Seat(socket, room)
    return room.id


def row(socket: Connection) -> ConnectionRecord:
    return ConnectionRecord.objects.get(id=socket.id)


async def rows() -> int:
    return await in_database(ConnectionRecord.objects.count)


def written(audit: Audit) -> int:
    """How many connections the next beat would write."""
    return len(audit._batch(time.monotonic()).snapshots)


def is_steady(audit: Audit) -> bool:
    return audit.steady


class Database:
    """Stands before the real one: it can be away, or hang until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.hanging: asyncio.Event | None = None
        self.asked = 0
        monkeypatch.setattr(audit_module, "in_database", self)

    async def __call__(self, work: Callable, *args):
        self.asked += 1
        if self.hanging is not None:
            await self.hanging.wait()
        if self.away:
            raise DatabaseError("the database is away")
        return await in_database(work, *args)
