"""One process's share of the real-time service: its hub, its people, its sockets and its clock."""

import asyncio
import os
import secrets
import socket
from collections import ChainMap
from collections.abc import Callable, Iterable
from contextlib import suppress
from uuid import uuid4

from django.conf import settings

from realtime import metrics, policy, protocol
from realtime.audit import BEAT_SECONDS, Audit
from realtime.authentication import Authentication
from realtime.background import Background, repeat
from realtime.bell import Bell
from realtime.broadcast import ORDERS_GROUP
from realtime.census import Census, place_of
from realtime.changed_users import ChangedUsers
from realtime.connection import Connection, Identity, Seat
from realtime.database import close_connections
from realtime.following import Following
from realtime.hub import Hub
from realtime.leases import Condition, Holder
from realtime.log_in_watch import LogInWatch
from realtime.long_pollers import LongPollers
from realtime.policy import Policy
from realtime.presence import FLUSH_SECONDS, Presence
from realtime.protocol import CloseCode, ErrorCode, FrameError
from realtime.ringing import Message
from realtime.rooms import RoomKind
from realtime.rounds import Rounds
from realtime.throttling import AddressBuckets
from realtime.upkeep import Cleaning, Upkeep

TICK_SECONDS = 1.0
LOOK_SECONDS = 2.0  # how often it looks whether the database has moved to another cluster
LOG_IN_SECONDS = 1.25  # what has ended is to be closed within two
STOPPING = "this gateway stops, another takes over"
CLOSING_SECONDS = 2.0  # how long the last sockets of a drain have to take their close frame


class Gateway:
    """What consumers and pollers of a process share. Starts with the first request that reaches it.

    kinds: what the domains implement, one entry per kind of room
    cleaning: the domains' old rows, which the eldest gateway deletes with its own
    """

    def __init__(self, kinds: Iterable[RoomKind], version: str, cleaning: Cleaning | None = None) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        host, pid = socket.gethostname(), os.getpid()
        self.instance = f"{host}-{pid}-{uuid4().hex[:6]}"
        self.authentication = Authentication()
        self.connections: dict[str, Connection] = {}
        self.census = Census()
        self.hub = Hub(self._eject)
        self.changed_users = ChangedUsers(self.hub)
        self.presence = Presence(self.hub, self.instance, self._ring)
        holder = Holder(self.instance, version, host, pid, policy.environment())
        self.audit = Audit(holder, self._condition, self.lag)
        self.long_pollers = LongPollers(self.census, self.audit, lambda: self.policy)
        everybody = ChainMap(self.connections, self.long_pollers.open)
        self.log_in_watch = LogInWatch(everybody)
        self.following = Following(everybody)
        self.upkeep = Upkeep(self.audit, self._announce_end, cleaning or {})
        self.handshakes = AddressBuckets(settings.HANDSHAKES_PER_MINUTE)
        self.rounds = Rounds(self.connections, self.hub, lambda: self.policy)
        self.draining = False
        self.on_drain: list[Callable[[], None]] = []  # called when it begins to stop
        self.bell: Bell | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._background = Background()
        self._empty = asyncio.Event()
        self._empty.set()
        metrics.GATEWAY.labels(self.instance, version).set(1)
        for kind in self.kinds.values():
            metrics.know_events({*kind.events, f"{kind.name}:join", f"{kind.name}:leave"})

    def ensure_started(self) -> None:
        """Start the bell and the clock on the running loop, once."""
        if self.bell is not None:
            return
        self.bell = self.hub.bell = Bell(self._hear)
        self.bell.start()
        self._tasks = [
            # Each in a task of its own: neither a slow layer nor a slow database holds up the others' work.
            asyncio.create_task(clock)
            for clock in (
                repeat("the round of the sockets", TICK_SECONDS, self.rounds.go),
                repeat("ending who polls no more", TICK_SECONDS, self.long_pollers.sweep),
                repeat("comparing heads", TICK_SECONDS, self.hub.check_heads),
                repeat("following operators", TICK_SECONDS, self.following.look, at_once=True),
                repeat("mending subscriptions", TICK_SECONDS, self.bell.mend),
                repeat("looking which installation this is", LOOK_SECONDS, self.bell.look),
                repeat("telling who is here", FLUSH_SECONDS, self._flush_presence),
                repeat("checking log-ins", LOG_IN_SECONDS, self.log_in_watch.check),
                repeat("the lease and the audit", BEAT_SECONDS, self.upkeep.beat, at_once=True),
            )
        ]

    @property
    def policy(self) -> Policy:
        """The switches and limits in force here."""
        return self.following.policy

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.bell is not None:
            self._announce_end(self.instance)
            await self.upkeep.stop()
            await self.bell.stop()
            self.bell = None
            await asyncio.to_thread(close_connections)

    # --- sockets ------------------------------------------------------------------------------

    @property
    def open_sockets(self) -> int:
        """How many sockets are open, those that have not been let in yet included."""
        return self.census.open_sockets

    def arrive(self, address: str, has_place: bool) -> None:
        """Count a client that has opened a transport and is not let in yet."""
        self.census.arrive(address, has_place)
        metrics.CONNECTIONS.set(self.open_sockets)

    def depart(self, address: str, has_place: bool) -> None:
        """It has been let in, or is gone."""
        self.census.depart(address, has_place)
        metrics.CONNECTIONS.set(self.open_sockets)

    def add(self, connection: Connection) -> None:
        self.connections[connection.id] = connection
        self.census.add(place_of(connection))
        connection.heartbeat_at = connection.opened_at
        self.audit.opened(connection)
        self._empty.clear()
        metrics.CONNECTIONS.set(self.open_sockets)

    def remove(self, connection: Connection) -> None:
        """Forget a socket that is gone and give up its seats."""
        connection.gone = True
        if self.connections.pop(connection.id, None) is None:
            return
        self.census.remove(place_of(connection))
        for seat in list(connection.seats.values()):
            self.leave(seat)
        if not self.connections:
            self._empty.set()
        metrics.CONNECTIONS.set(self.open_sockets)

    def identify(self, connection: Connection, identity: Identity) -> None:
        """From now on a socket is that user's, by a token."""
        is_open = connection.id in self.connections
        if is_open:
            self.census.remove(place_of(connection))
        connection.identity, connection.bearer = identity, True
        if is_open:
            self.census.add(place_of(connection))

    def leave(self, seat: Seat) -> None:
        if seat.connection.seats.pop(seat.room.name, None) is not None:
            self.hub.leave(seat)
            self.presence.go(seat)

    def _eject(self, seat: Seat) -> None:
        """The hub has put a member out who may no longer read the room: tell them."""
        self.leave(seat)
        seat.connection.send(
            protocol.error(
                FrameError(
                    ErrorCode.FORBIDDEN,
                    "you may no longer read this room and have left it",
                    **{seat.room.kind.id_key: seat.room.id},
                )
            )
        )

    def lag(self, connection: Connection) -> int:
        """How many events a socket is behind its rooms' heads, in the room where it is the most."""
        behind = (self.hub.behind(seat) for seat in connection.seats.values())
        return max(behind, default=0)

    async def drain(self, window: float, code: CloseCode = CloseCode.RESTART) -> None:
        """Close every socket over `window` seconds, each told when to come back; open none any more.

        The window passes without sockets, too: until a balancer has seen `/ready` it sends requests here.
        """
        self.draining = True
        self.long_pollers.close_all(code, STOPPING)
        self.hub.release_pollers()
        for release in self.on_drain:
            release()
        leaving = list(self.connections.values())
        for connection in leaving:
            after = secrets.randbelow(int(window * 1000) + 1)  # so that they do not all come at once
            connection.send(protocol.frame("system:draining", {"reconnectAfterMs": after}))
        pause = window / max(1, len(leaving))
        for connection in leaving:
            connection.close(code, STOPPING)
            await asyncio.sleep(pause)
        if not leaving:
            await asyncio.sleep(pause)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_SECONDS):
                await self._empty.wait()

    # --- the bell -----------------------------------------------------------------------------

    def _ring(self, group: str, message: Message) -> None:
        if self.bell is not None:
            self.bell.ring(group, message)

    def _hear(self, message: Message) -> None:
        match message.get("kind"):
            case "event":
                self.hub.hear(message)
            case "presence" | "signals":
                self.presence.hear(message)
            case "order" if message.get("order") == "user-changed":
                self._background.spawn("checking a user's log-in", self._recheck(str(message["user"])))
            case "order" if message.get("order") == "rules":
                self._background.spawn("following operators", self.following.look())
            case "order" if message.get("order") == "gateway-dead":
                self.presence.forget(str(message["instance"]))
            case _:
                metrics.BELL_IGNORED.inc()

    def _announce_end(self, instance: str) -> None:
        self._ring(ORDERS_GROUP, {"kind": "order", "order": "gateway-dead", "instance": instance})

    def _condition(self) -> Condition:
        healthy = self.bell is not None and self.bell.healthy
        return Condition(self.open_sockets, healthy, self.following.seq, metrics.resident_bytes())

    async def _recheck(self, user_id: str) -> None:
        for connection in await self.log_in_watch.check_user(user_id):
            self.changed_users.look(connection)

    async def _flush_presence(self) -> None:
        self.presence.flush()
