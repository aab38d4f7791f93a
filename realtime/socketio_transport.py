"""Socket.IO clients on the same port: another way to carry the conversation of the sockets.

Events go out as `(event, envelope)` for those of the log and as `(event, data)` for the gateway's own; a
client's `emit(event, data, ack)` is a command, its ack the data or `{code, message}`.
"""

import asyncio
from functools import partial
from typing import Any

from django.conf import settings

from realtime import admission, metrics
from realtime.admission import Handshake, foreign, read_handshake
from realtime.connection_limits import IS_FULL
from realtime.engineio import EngineSession, Heartbeat
from realtime.engineio_requests import Problem, Refusal, Request
from realtime.engineio_server import EngineServer
from realtime.gateway import STOPPING, Gateway
from realtime.networks import counted_as
from realtime.protocol import CloseCode
from realtime.socketio_peer import Peer

PATH = "socket.io"
HEARTBEAT = Heartbeat()


class SocketIOTransport:
    """The ASGI application below /socket.io."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._engines = EngineServer(HEARTBEAT)
        self._peers: dict[Peer, None] = {}  # in the order in which they came
        gateway.on_drain.append(self._close_arriving)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        request = Request(scope, receive, send)
        if request.is_websocket:
            await receive()  # websocket.connect
        handshake = read_handshake(scope, settings.SESSION_COOKIE_NAME)
        try:
            if not handshake.origin_allowed(settings.CORS_ORIGINS):
                metrics.CLOSES.labels("403").inc()
                raise Refusal(Problem.FORBIDDEN, foreign(handshake), 403)
            if request.method == "OPTIONS":
                await request.answer_options()
                return
            await self._admit(request, handshake)
            await self._engines.handle(request, partial(self._begin, handshake))
        except Refusal as refusal:
            await request.refuse(refusal)

    async def _admit(self, request: Request, handshake: Handshake) -> None:
        """Raises Refusal for who is not heard at all; who may not stay is told by a connect_error."""
        if request.sid is not None:
            return  # a session that is there, if it is, has been looked at
        if self._gateway.draining or not await self._gateway.following.begun():
            raise Refusal(Problem.BAD_REQUEST, "this gateway lets nobody in now: come back", 503)
        address = handshake.address
        if not self._has_room(address) and not (self._make_room(address) and self._has_room(address)):
            raise Refusal(Problem.FORBIDDEN, IS_FULL, 503)

    def _has_room(self, address: str) -> bool:
        census = self._gateway.census
        has_place = admission.has_place(address, census, self._gateway.policy)
        return has_place or census.takes_another_without_place(address)

    def _make_room(self, address: str) -> bool:
        """Put out who has opened a transport the longest ago and not connected: of the same address if any.

        So sessions that are opened and left, of which an address may have as many as it has places, keep
        nobody out who does connect.
        """
        now = asyncio.get_running_loop().time()
        yielding = [peer for peer in self._peers if peer.yields(now)]
        near = counted_as(address)
        same = (peer for peer in yielding if counted_as(peer.address) == near)
        peer = next(same, None) or next(iter(yielding), None)
        if peer is not None:
            peer.give_way()
        return peer is not None

    def _begin(self, handshake: Handshake, engine: EngineSession) -> Peer:
        peer = Peer(self._gateway, handshake, engine, self._forget)
        self._peers[peer] = None
        return peer

    def _forget(self, peer: Peer) -> None:
        self._peers.pop(peer, None)

    def _close_arriving(self) -> None:
        """The gateway stops; whom it has let in it closes itself, one after the other."""
        for peer in list(self._peers):
            if not peer.is_let_in:
                peer.close(CloseCode.RESTART, STOPPING)
