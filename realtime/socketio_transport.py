"""Socket.IO clients on the same port: another way to carry the conversation of the sockets.

Events go out as `(event, envelope)` for those of the log and as `(event, data)` for the gateway's own; a
client's `emit(event, data, ack)` is a command, its ack the data or `{code, message}`.
"""

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
from realtime.protocol import CloseCode
from realtime.socketio_peer import Peer

PATH = "socket.io"
HEARTBEAT = Heartbeat()


class SocketIOTransport:
    """The ASGI application below /socket.io."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._engines = EngineServer(HEARTBEAT)
        self._peers: set[Peer] = set()
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
                await request.answer_preflight()
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
        address, census = handshake.address, self._gateway.census
        has_place = admission.has_place(address, census, self._gateway.policy)
        if not has_place and not census.takes_another_without_place(address):
            raise Refusal(Problem.FORBIDDEN, IS_FULL, 503)

    def _begin(self, handshake: Handshake, engine: EngineSession) -> Peer:
        peer = Peer(self._gateway, handshake, engine, self._peers.discard)
        self._peers.add(peer)
        return peer

    def _close_arriving(self) -> None:
        """The gateway stops; whom it has let in it closes itself, one after the other."""
        for peer in list(self._peers):
            if not peer.is_let_in:
                peer.close(CloseCode.RESTART, STOPPING)
