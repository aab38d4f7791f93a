"""What a client may ask of the gateway: one method a frame, each giving the data of its ack."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from realtime import metrics, protocol
from realtime.admission import note_refusal
from realtime.connection import Connection, Identity, Seat, SeatState
from realtime.connection_limits import FULL_USER, user_is_full
from realtime.enforcement import DROPPED
from realtime.eventlog import HistoryTrimmed, UnknownRoom, rfc3339
from realtime.gateway import Gateway
from realtime.hub import HubRoom
from realtime.ids import EXPECTED, read_id
from realtime.protocol import CloseCode, Command, ErrorCode, FrameError, FrameId
from realtime.rooms import Room, RoomKind
from realtime.tokens import ENDED, CredentialsError

ROOMS_PER_SOCKET = 200
WITHOUT_IDENTITY = {"auth", "ping"}  # what a guest may send where authentication is required


@dataclass(slots=True)
class Answer:
    """The data of the ack, what is to follow right behind it, and the id of the frame it answers."""

    data: dict[str, Any]
    then: Callable[[], None] = lambda: None
    id: FrameId = None


class Commands:
    """The commands of one socket."""

    __slots__ = ("_connection", "_gateway")

    def __init__(self, gateway: Gateway, connection: Connection) -> None:
        self._gateway = gateway
        self._connection = connection

    async def run(self, command: Command) -> Answer:
        """Do what the frame asks. Raises FrameError."""
        in_force = self._gateway.policy
        if (
            in_force.require_auth
            and self._connection.identity is None
            and command.event not in WITHOUT_IDENTITY
        ):
            raise command.error("authenticate first", ErrorCode.UNAUTHENTICATED)
        match command.event:
            case "ping":
                return Answer({"at": rfc3339(datetime.now(UTC))})
            case "status":
                return self._status()
            case "auth":
                return await self._auth(command)
            case "presence:update":
                return self._presence(command)
        kind_name, _, verb = command.event.partition(":")
        kind = self._gateway.kinds.get(kind_name)
        if kind is not None and verb == "join":
            return await self._join(command, kind)
        if kind is not None and verb == "leave":
            return self._leave(command, kind)
        raise command.error(
            f"expected auth, ping, status, presence:update, {self._room_events()}", ErrorCode.UNKNOWN_EVENT
        )

    # --- about the socket itself --------------------------------------------------------------

    def _status(self) -> Answer:
        identity, in_force = self._connection.identity, self._gateway.policy
        return Answer(
            {
                "connectionId": self._connection.id,
                "user": identity.wire() if identity else None,
                "rooms": [seat.room.id for seat in self._connection.seats.values()],
                "realtime": in_force.realtime,
                "strict": in_force.strict,
            }
        )

    async def _auth(self, command: Command) -> Answer:
        try:
            identity = await self._gateway.authentication.by_token(command.text("token"))
        except CredentialsError as error:
            failure = command.error(str(error), ErrorCode.UNAUTHENTICATED)
            raise failure.closing(CloseCode.UNAUTHENTICATED) from None
        if identity.previous and not self._gateway.policy.previous_secret:
            failure = command.error(DROPPED, ErrorCode.UNAUTHENTICATED)
            raise failure.closing(CloseCode.UNAUTHENTICATED)
        others = self._gateway.census.of_user[identity.id] - (self._connection.user_id == identity.id)
        if user_is_full(others, self._gateway.policy):
            note_refusal(self._connection.address, FULL_USER.reason)
            failure = command.error(FULL_USER.reason, ErrorCode.FORBIDDEN)
            raise failure.closing(CloseCode.FULL)
        self._become(identity)
        return Answer({"user": identity.wire()})

    def _become(self, identity: Identity) -> None:
        before = self._connection.identity
        self._gateway.identify(self._connection, identity)
        if before is not None and before.id == identity.id:
            return
        for seat in self._connection.seats.values():
            self._gateway.presence.identify(seat)
        self._gateway.changed_users.look(self._connection)

    # --- rooms --------------------------------------------------------------------------------

    async def _join(self, command: Command, kind: RoomKind) -> Answer:
        room = _room(command, kind, ErrorCode.NOT_FOUND)
        since = command.seq("since")
        if len(self._connection.seats) >= ROOMS_PER_SOCKET and room.name not in self._connection.seats:
            raise command.error(f"a socket joins {ROOMS_PER_SOCKET} rooms at most", ErrorCode.FORBIDDEN)
        await self._check_identity(command)
        if self._gateway.hub.find(room.name) is None:
            await self._check_access(command, room)  # before anything is subscribed to on a stranger's word
        try:
            state = await self._gateway.hub.open(room)
        except UnknownRoom:
            raise not_found(command) from None
        if since is not None:
            await self._check_cursor(command, state, since)
        if self._connection.gone:
            raise not_found(command)
        seat = self._take_seat(state, since)
        try:
            await self._check_access(command, room)
        except BaseException:
            self._gateway.leave(seat)
            raise
        if seat.state is SeatState.LEFT:  # meanwhile it was put out, or its client has gone
            raise not_found(command)
        return self._joined(state, seat, since)

    def _joined(self, state: HubRoom, seat: Seat, since: int | None) -> Answer:
        """What was missed follows the ack, and then what happens."""
        data = {
            seat.room.kind.id_key: seat.room.id,
            "seq": max(state.head, seat.cursor),
            **self._gateway.presence.come(seat),
        }
        if since is None:
            seat.cursor = state.head
        else:
            metrics.RESUMES.labels("level" if seat.cursor >= state.head else "replayed").inc()
        return Answer(data, lambda: self._gateway.hub.begin(seat))

    def _take_seat(self, state: HubRoom, since: int | None) -> Seat:
        """The seat hears nothing yet, but rights that change from now on concern it."""
        old = self._connection.seats.get(state.room.name)
        if old is not None:
            self._gateway.leave(old)
        seat = Seat(self._connection, state.room, cursor=state.head if since is None else since)
        self._connection.seats[state.room.name] = seat
        self._gateway.hub.take_seat(state, seat)
        return seat

    def _leave(self, command: Command, kind: RoomKind) -> Answer:
        seat = self._seat(command, kind)
        self._gateway.leave(seat)
        return Answer({kind.id_key: seat.room.id})

    def _presence(self, command: Command) -> Answer:
        kind = next((k for k in self._gateway.kinds.values() if k.id_key in command.data), None)
        if kind is None:
            keys = " or ".join(k.id_key for k in self._gateway.kinds.values())
            raise command.error(f"data.{keys} must be a string")
        seat = self._seat(command, kind)
        if self._connection.identity is None:
            raise command.error("guests are not shown to others: log in", ErrorCode.FORBIDDEN)
        state = command.data.get("state")
        if protocol.size(state) > protocol.MAX_STATE_BYTES:
            raise command.error(
                f"data.state is larger than {protocol.MAX_STATE_BYTES} bytes of JSON", ErrorCode.TOO_LARGE
            )
        self._gateway.presence.signal(seat, state)
        return Answer({kind.id_key: seat.room.id})

    # --- checks -------------------------------------------------------------------------------

    def _seat(self, command: Command, kind: RoomKind) -> Seat:
        room = _room(command, kind, ErrorCode.NOT_JOINED)
        seat = self._connection.seats.get(room.name)
        if seat is None:
            raise command.error("this socket has not joined that room", ErrorCode.NOT_JOINED)
        return seat

    async def _check_identity(self, command: Command) -> None:
        """In strict mode credentials are looked at again at each join."""
        identity = self._connection.identity
        if not self._gateway.policy.strict or identity is None:
            return
        if identity.has_expired(time.time()) or not await self._gateway.authentication.holds(identity):
            failure = command.error(ENDED, ErrorCode.UNAUTHENTICATED)
            raise failure.closing(CloseCode.UNAUTHENTICATED)

    async def _check_access(self, command: Command, room: Room) -> None:
        if not await self._gateway.hub.rights.may_read(room, self._connection.user_id):
            raise not_found(command)

    async def _check_cursor(self, command: Command, state: HubRoom, since: int) -> None:
        try:
            await self._gateway.hub.check_cursor(state, since)
        except HistoryTrimmed:
            metrics.RESUMES.labels("trimmed").inc()
            raise command.error(
                "the log does not continue from that since: load the board again", ErrorCode.HISTORY_TRIMMED
            ) from None

    def _room_events(self) -> str:
        return ", ".join(f"{name}:join, {name}:leave" for name in self._gateway.kinds)


def _room(command: Command, kind: RoomKind, code: ErrorCode) -> Room:
    """The room that the frame names; whoever spells its id in another way means the same one.

    code: what is said of an id that is none
    """
    found = read_id(command.text(kind.id_key, 100))
    if found is None:
        raise command.error(f"data.{kind.id_key} is not an id: expected {EXPECTED}", code)
    return Room(kind, found)


def not_found(command: Command) -> FrameError:
    """The same answer for a room that is not there and for one that the user may not see."""
    return command.error("there is no such room, or you may not see it", ErrorCode.NOT_FOUND)
