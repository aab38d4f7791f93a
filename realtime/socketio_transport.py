"""Socket.IO clients on the same port: another way to carry the same conversation.

Events go out as `(event, envelope)` for those of the log and as `(event, data)` for the gateway's own; a
client's `emit(event, data, ack)` is a command, its ack the data or `{code, message}`. A close is always one
of the transport and never an orderly disconnect packet, after which socket.io-client would stay away.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import orjson
import socketio
from django.conf import settings
from socketio.exceptions import ConnectionRefusedError as Refused

from realtime import protocol
from realtime.admission import Handshake, foreign, read_handshake
from realtime.gateway import Gateway
from realtime.protocol import MAX_FRAME_BYTES, CloseCode, Command, ErrorCode, FrameError
from realtime.refusals import refuse
from realtime.session import Session, authenticate, origin_holds

PATH = "socket.io"
PING_SECONDS = 25
PING_TIMEOUT_SECONDS = 20
AHEAD = 64  # packets handed to the Engine.IO queue, which knows no bound; the rest waits in ours
AHEAD_CHARACTERS = 2**18
AHEAD_CHECK_SECONDS = 0.02

REFUSAL_CODES = {
    CloseCode.UNAUTHENTICATED: "unauthenticated",
    CloseCode.FORBIDDEN: "forbidden",
    CloseCode.FULL: "full",
    CloseCode.REALTIME_OFF: "realtime-off",
    CloseCode.RATE_LIMITED: "rate-limited",
    CloseCode.RESTART: "restart",
}


@dataclass(eq=False, slots=True)
class Peer:
    """One Socket.IO client: its session, the task that feeds it, and the sizes of the packets handed over."""

    session: Session
    engine_sid: str
    woken: asyncio.Event
    writer: "asyncio.Task[None] | None" = None
    ahead: deque[int] = field(default_factory=deque)

    def has_room(self, queued: int) -> bool:
        """Whether Engine.IO may be handed another packet, with so many in its queue now."""
        while len(self.ahead) > queued:
            self.ahead.popleft()
        return queued <= AHEAD and sum(self.ahead) <= AHEAD_CHARACTERS


class SocketIOTransport:
    """The ASGI application below /socket.io/."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._peers: dict[str, Peer] = {}
        self._server = socketio.AsyncServer(
            async_mode="asgi",
            async_handlers=False,  # a client's commands are carried out in the order in which it sent them
            cors_allowed_origins=self._origin_allowed,
            max_http_buffer_size=MAX_FRAME_BYTES,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            json=_Json,
            logger=False,
            engineio_logger=False,
        )
        self._server.on("connect", self._connect)
        self._server.on("disconnect", self._disconnect)
        self._server.on("*", self._command)
        self._application = socketio.ASGIApp(self._server, socketio_path=PATH)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        handshake = _handshake(scope)
        if not handshake.origin_allowed(settings.CORS_ORIGINS):
            await refuse(scope, receive, send, 403, "forbidden", foreign(handshake))
        elif b"sid=" not in scope["query_string"] and await self._not_now():
            await _refuse(scope, receive, send, 503)  # and not by a packet: the client is to try again
        else:
            await self._application(scope, receive, send)

    async def _not_now(self) -> bool:
        return self.gateway.draining or not await self.gateway.following.begun()

    # --- coming and going ---------------------------------------------------------------------

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        handshake = _handshake(environ["asgi.scope"])
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is not None:
            handshake = replace(handshake, token=str(token))
        identity, refusal = await authenticate(self.gateway, handshake)
        if not origin_holds(handshake, identity):
            refusal = CloseCode.FORBIDDEN, foreign(handshake)
        woken = asyncio.Event()
        session = Session(self.gateway, handshake, identity, woken.set, "socketio")
        refusal = refusal or session.refusal()
        if refusal is None and identity is None and self.gateway.policy.require_auth:
            refusal = CloseCode.UNAUTHENTICATED, "credentials are required: connect with auth: {token}"
        if refusal is not None:
            code, message = refusal
            raise Refused(message, {"code": REFUSAL_CODES[code], "closeCode": int(code)})
        engine_sid = self._server.manager.eio_sid_from_sid(sid, "/")
        peer = self._peers[sid] = Peer(session, engine_sid, woken)
        session.connection.idle_timed = False  # Engine.IO itself sees to peers that are silent
        session.open(None)
        peer.writer = asyncio.create_task(self._write(sid, peer))

    async def _disconnect(self, sid: str, reason: str) -> None:
        peer = self._peers.pop(sid, None)
        if peer is None:
            return
        peer.session.end(1000 if reason == self._server.reason.CLIENT_DISCONNECT else 1006)
        if peer.writer is not None and peer.writer is not asyncio.current_task():
            peer.writer.cancel()

    def _origin_allowed(self, origin: str, environ: dict[str, Any]) -> bool:
        return _handshake(environ["asgi.scope"]).origin_allowed(settings.CORS_ORIGINS)

    # --- in -----------------------------------------------------------------------------------

    async def _command(self, event: str, sid: str, *args: Any) -> dict[str, Any] | None:
        """Carry out a command; what is returned is the ack, where the client asked for one."""
        peer = self._peers.get(sid)
        if peer is None or peer.session.connection.closing is not None:
            return None
        peer.session.heard(protocol.size([event, *args]))
        try:
            answer = await peer.session.run(partial(_read, event, args))
        except FrameError as error:
            peer.session.refused(error)
            return {"code": error.code.value, "message": error.message, **error.extra}
        asyncio.get_running_loop().call_soon(answer.then)  # behind the ack
        return answer.data

    # --- out ----------------------------------------------------------------------------------

    async def _write(self, sid: str, peer: Peer) -> None:
        connection = peer.session.connection
        # The CONNECT packet goes first; it follows in this turn of the loop or the next.
        while sid in self._peers and not self._server.manager.is_connected(sid, "/"):  # noqa: ASYNC110
            await asyncio.sleep(0)
        while sid in self._peers:  # a send that fails ends the session from within this very task
            await peer.woken.wait()
            peer.woken.clear()
            while (frame := connection.outbox.take()) is not None:
                await self._engine_has_room(peer)
                peer.ahead.append(len(frame))
                await self._server.eio.send(peer.engine_sid, _packet(frame))
            if connection.closing is not None:
                await self._close(peer)
                return

    async def _close(self, peer: Peer) -> None:
        """End the transport. Over a WebSocket socket.io-client ignores the CLOSE packet, and would stay."""
        engine = self._server.eio.sockets.get(peer.engine_sid)
        await self._server.eio.disconnect(peer.engine_sid)
        if engine is not None:
            await engine.queue.put(None)  # lets Engine.IO's own writer end, which closes the WebSocket

    async def _engine_has_room(self, peer: Peer) -> None:
        engine = self._server.eio.sockets.get(peer.engine_sid)
        while engine is not None and not engine.closed and not peer.has_room(engine.queue.qsize()):
            if peer.session.connection.closing is not None:
                return
            await asyncio.sleep(AHEAD_CHECK_SECONDS)


class _Json:
    """orjson in the place of the json module, for python-socketio."""

    @staticmethod
    def dumps(value: Any, *_: Any, **__: Any) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, *_: Any, **__: Any) -> Any:
        return orjson.loads(text)


def _packet(frame: str) -> str:
    """The EVENT packet (Socket.IO protocol 5) of a frame: `2["event",payload]`."""
    parsed = orjson.loads(frame)
    payload = frame if "seq" in parsed else orjson.dumps(parsed["data"]).decode()
    return f"2[{orjson.dumps(parsed['event']).decode()},{payload}]"


def _read(event: Any, args: tuple[Any, ...]) -> Command:
    """The command of an emit. Raises FrameError."""
    if not isinstance(event, str) or not 0 < len(event) <= 100:
        raise FrameError(ErrorCode.BAD_FRAME, "event must be a string of 1 to 100 characters")
    data = args[0] if args else {}
    if data is None:
        data = {}
    if not isinstance(data, dict) or len(args) > 1:
        raise FrameError(ErrorCode.BAD_FRAME, "expected emit(event, data, ack) with an object as data")
    return Command(None, event, data)


def _handshake(scope: dict[str, Any]) -> Handshake:
    return read_handshake(scope, settings.SESSION_COOKIE_NAME)


async def _refuse(scope: dict[str, Any], receive: Any, send: Any, status: int) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": CloseCode.FORBIDDEN})
        return
    await send({"type": "http.response.start", "status": status, "headers": [(b"retry-after", b"1")]})
    await send({"type": "http.response.body", "body": b""})
