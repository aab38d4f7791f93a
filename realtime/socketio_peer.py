"""One Socket.IO client: the conversation of sockets in Socket.IO's packets.

A close is always one of the transport and never an orderly disconnect packet, after which socket.io-client
would stay away.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from realtime import admission, metrics, socketio_packets
from realtime.admission import Handshake, Refusal, foreign
from realtime.connection import Close, Identity
from realtime.enforcement import NO_LOG_IN
from realtime.engineio import EngineSession
from realtime.gateway import Gateway
from realtime.protocol import CloseCode
from realtime.session import Session, authenticate, origin_holds
from realtime.socketio_packets import Message, PacketError, SocketPacket, SocketType

# How long a client has to be let in; Socket.IO's own server gives it 45 s, and has no places to keep free.
CONNECT_SECONDS = 10.0
# After which it may have to go before that, for another: one that means to come sends CONNECT at once.
YIELDING_SECONDS = 1.0
NAMESPACE = "/"

# The `data.code` of a connect_error; for any other close the transport ends, and the client comes back.
REFUSAL_CODES = {
    CloseCode.UNAUTHENTICATED: "unauthenticated",
    CloseCode.FORBIDDEN: "forbidden",
    CloseCode.FULL: "full",
    CloseCode.REALTIME_OFF: "realtime-off",
    CloseCode.RATE_LIMITED: "rate-limited",
    CloseCode.BAD_FRAME: "bad-frame",
}


class Peer:
    """What an Engine.IO session of ours carries. `forget` is called once it is gone.

    Until it is let in there is no session of the gateway, and it counts as one of those that arrive.
    """

    def __init__(
        self, gateway: Gateway, handshake: Handshake, engine: EngineSession, forget: Callable[["Peer"], None]
    ) -> None:
        self._gateway = gateway
        self._handshake = handshake
        self._engine = engine
        self._forget = forget
        self._session: Session | None = None
        self._turned_away: Close | None = None
        self._incomplete: SocketPacket | None = None  # a binary one whose attachments are still to come
        self._attachments = 0
        self._patience: asyncio.TimerHandle | None = None
        self._arrive()

    @property
    def is_let_in(self) -> bool:
        return self._session is not None

    @property
    def address(self) -> str:
        return self._handshake.address

    def yields(self, now: float) -> bool:
        """Whether it may have to go for another that comes now, a moment of the loop's clock."""
        return self._patience is not None and now - self._arrived_at > YIELDING_SECONDS

    def give_way(self) -> None:
        """End it at once: its place is wanted."""
        metrics.count_close(CloseCode.FULL)
        self._engine.end(CloseCode.FULL, "not let in yet, and others wait: send CONNECT at once")

    # --- for the Engine.IO session ------------------------------------------------------------

    @property
    def closing(self) -> Close | None:
        return self._turned_away if self._session is None else self._session.connection.closing

    def take(self, characters: int) -> list[str]:
        if self._session is None:
            return []
        return [socketio_packets.packet_of(f) for f in self._session.connection.outbox.take_some(characters)]

    def read(self, message: Message) -> SocketPacket | None:
        if isinstance(message, str):
            if self._incomplete is not None:
                raise PacketError("expected an attachment, which is binary")
            packet = socketio_packets.read_socket_packet(message)
            if not packet.attachments:
                return packet
            self._incomplete, self._attachments = packet, packet.attachments
            return None
        if self._incomplete is None:
            raise PacketError("a binary message without a packet that it belongs to")
        self._attachments -= 1
        if self._attachments:
            return None
        packet, self._incomplete = self._incomplete, None
        return packet

    async def handle(self, packet: SocketPacket) -> None:
        match packet.type:
            case SocketType.CONNECT:
                await self._connect(packet)
            case SocketType.DISCONNECT if packet.namespace == NAMESPACE:
                self._leave(1000)
            case SocketType.EVENT | SocketType.BINARY_EVENT if packet.namespace == NAMESPACE:
                await self._command(packet)

    def heard(self) -> None:
        if self._session is not None:
            self._session.heard()

    def ended(self, close: Close) -> None:
        if self._session is not None and close.reason:
            self._session.connection.close(close.code, close.reason)
        self._leave(close.code)
        self._depart()
        self._forget(self)

    # --- being let in -------------------------------------------------------------------------

    async def _connect(self, packet: SocketPacket) -> None:
        if packet.namespace != NAMESPACE:
            self._refuse(packet.namespace, "not-found", "Invalid namespace", allowed=[NAMESPACE])
            return
        token = None if packet.data is None else packet.data.get("token")
        problem = packet.problem
        if self._session is not None:
            problem = "this connection is let in already: leave first"
        elif not isinstance(token, str | None):
            problem = "auth.token must be a string"
        if problem is not None:
            self._refuse(NAMESPACE, "bad-frame", problem, closeCode=int(CloseCode.BAD_FRAME))
            return
        handshake = self._handshake if token is None else replace(self._handshake, token=token)
        identity, refusal = await authenticate(self._gateway, handshake)
        if self._engine.over is not None or self._turned_away is not None:
            return  # meanwhile it has left, or its time was over
        self._enter(handshake, identity, refusal)

    def _enter(self, handshake: Handshake, identity: Identity | None, refusal: Refusal | None) -> None:
        """Let in a client whose credentials have been looked at, or say why not. Waits for nothing."""
        if not origin_holds(handshake, identity):
            refusal = CloseCode.FORBIDDEN, foreign(handshake)
        session = Session(self._gateway, handshake, identity, self._engine.wake, "socketio")
        self._depart()  # it does not count beside itself
        refusal = refusal or session.refusal()
        if refusal is None and identity is None and self._gateway.policy.require_auth:
            refusal = CloseCode.UNAUTHENTICATED, f"{NO_LOG_IN}: connect with auth: {{token}}"
        if refusal is not None:
            self._arrive()
            self._turn_away(session, *refusal)
            return
        self._session = session
        session.connection.idle_timed = False  # Engine.IO itself sees to peers that are silent
        session.open(None)
        self._engine.send(socketio_packets.connect(session.connection.id))  # goes before what is said to it

    def _turn_away(self, session: Session, code: CloseCode, reason: str) -> None:
        session.connection.close(code, reason)
        session.end(code)
        if code in REFUSAL_CODES:
            self._refuse(NAMESPACE, REFUSAL_CODES[code], reason, closeCode=int(code))
        else:
            self.close(code, reason)

    def _refuse(self, namespace: str, code: str, message: str, **more: Any) -> None:
        self._engine.send(socketio_packets.connect_error(namespace, message, {"code": code, **more}))

    def close(self, code: int, reason: str) -> None:
        """End a client that is not let in, behind what is queued for it."""
        self._turned_away = Close(code, reason)
        self._engine.wake()

    def _arrive(self) -> None:
        address, gateway = self._handshake.address, self._gateway
        self._has_place = admission.has_place(address, gateway.census, gateway.policy)
        gateway.arrive(address, self._has_place)
        loop = asyncio.get_running_loop()
        self._arrived_at = loop.time()
        self._patience = loop.call_later(CONNECT_SECONDS, self._give_up)

    def _depart(self) -> None:
        """It does not arrive any more: it has been let in, or is gone."""
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
            self._gateway.depart(self._handshake.address, self._has_place)

    def _give_up(self) -> None:
        metrics.count_close(CloseCode.IDLE)
        self.close(CloseCode.IDLE, "not let in for too long: send CONNECT")

    # --- what it asks -------------------------------------------------------------------------

    async def _command(self, packet: SocketPacket) -> None:
        session = self._session
        if session is None or session.connection.closing is not None:
            return
        session.heard(packet.size)
        await session.answer(partial(socketio_packets.read_command, packet))

    def _leave(self, code: int) -> None:
        """It is no longer let in; its transport may stay, and it may connect once more."""
        session, self._session = self._session, None
        if session is not None:
            session.end(code)
            if self._engine.over is None:
                self._arrive()
