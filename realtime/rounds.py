"""Once a second a look at every socket: its silence, its age, its token, its heartbeat. Waits for nothing."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from realtime import metrics, protocol
from realtime.connection import Connection
from realtime.eventlog import rfc3339
from realtime.hub import Hub
from realtime.policy import Policy
from realtime.protocol import CloseCode
from realtime.wire import frame

HEARTBEAT_MS = 10_000
QUIET_SECONDS = 90.0  # after which a client is asked for a sign of life, or after a third of the time-out
EARLY_SECONDS = 0.5  # half of the time between two rounds: a heartbeat is as near to its time as may be

Heads = tuple[tuple[str, int], ...]  # room id and head seq, of each room that a socket has joined


class Rounds:
    """Goes round the sockets of one process; `policy` gives what is in force."""

    def __init__(self, connections: Mapping[str, Connection], hub: Hub, policy: Callable[[], Policy]) -> None:
        self._connections = connections
        self._hub = hub
        self._policy = policy

    async def go(self) -> None:
        now, epoch = time.monotonic(), time.time()
        idle_timeout = self._policy().idle_timeout
        beaten_before = now - HEARTBEAT_MS / 1000 + EARLY_SECONDS
        due: list[Connection] = []
        queued = 0
        for connection in list(self._connections.values()):
            if connection.stream is None:  # else nothing is queued
                queued += len(connection.outbox)
            if connection.idle_timed:
                _check_silence(connection, now, idle_timeout)
            if connection.ends_at <= now:
                connection.close(CloseCode.RESTART, "this connection is as old as one may get: come back")
            if connection.identity is not None and connection.identity.has_expired(epoch):
                metrics.AUTH_FAILURES.labels("expired").inc()
                connection.close(CloseCode.UNAUTHENTICATED, "your token has run out: log in again")
            if connection.heartbeat_at <= beaten_before:
                connection.heartbeat_at = now
                due.append(connection)
        self._beat(due)
        self._hub.close_idle(now)
        metrics.ROOMS.set(len(self._hub.rooms()))
        metrics.QUEUED.set(queued)

    def _beat(self, due: list[Connection]) -> None:
        """A heartbeat for each: those who are in the same rooms get the same frame."""
        at = rfc3339(datetime.now(UTC))
        made: dict[Heads, tuple[str, bytes]] = {}
        for connection in due:
            heads = self._heads(connection)
            if heads not in made:
                text = protocol.frame("heartbeat", {"at": at, "rooms": dict(heads)})
                made[heads] = text, frame(text)
            connection.send_shared(*made[heads])
        metrics.count_out("heartbeat", len(due))

    def _heads(self, connection: Connection) -> Heads:
        """As far as they have been told: no heartbeat tells of an event before the event."""
        states = ((seat.room.id, self._hub.find(seat.room.name)) for seat in connection.seats.values())
        return tuple((room_id, state.told) for room_id, state in states if state is not None)


def _check_silence(connection: Connection, now: float, idle_timeout: float) -> None:
    """Ask a quiet client for a sign of life, each second until it gives one; close one that gives none.

    Nobody is closed who was not asked in time: operators may shorten the time-out while sockets are open.
    """
    pause = min(QUIET_SECONDS, idle_timeout / 3)
    silence = now - connection.last_frame_at
    if silence <= pause:
        return
    is_asked = connection.asked_at >= connection.last_frame_at
    if is_asked and silence > idle_timeout and now - connection.asked_at > pause:
        connection.close(CloseCode.IDLE, "nothing was heard of you for too long")
    else:
        connection.ask(now)
