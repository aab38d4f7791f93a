"""The consumer of a socket: frames in, frames out, and nothing that is not transport.

The stock dispatch of Channels passes through a thread at every message, and servers drop the disconnect
message when a consumer crashes; so the loop is our own, and its `finally` is the one way out.
"""

import asyncio
import logging
import time
from typing import Any
from uuid import uuid4

from channels.consumer import AsyncConsumer
from django.conf import settings

from realtime import admission, authentication, metrics, protocol
from realtime.admission import Handshake, Refusal, read_handshake
from realtime.commands import Answer, Commands
from realtime.connection import Connection, FrameRate, Identity, RateVerdict
from realtime.database import in_database
from realtime.gateway import HEARTBEAT_MS, Gateway
from realtime.protocol import CloseCode, Command, ErrorCode, FrameError
from realtime.tokens import TokenError

logger = logging.getLogger(__name__)

AUTH_SECONDS = 5.0  # how long a guest has to authenticate where that is required
CLOSE_SECONDS = 5.0  # how long a reader has to take what was queued before a close
MAX_REASON_BYTES = 123  # RFC 6455, section 5.5: a control frame holds 125 bytes, two are the code
SOCKET = "devmentor.socket"  # scope extension of our server: {"abort": …, "on_control": …}


class GatewayConsumer(AsyncConsumer):
    """One WebSocket. `gateway` is handed in through `as_asgi(gateway=…)`."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.rate = FrameRate()
        self.woken = asyncio.Event()
        self.writer: asyncio.Task[None] | None = None
        self.waiting_for_room: list[asyncio.Future[None]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._controls = (scope.get("extensions") or {}).get(SOCKET)
        await receive()  # websocket.connect
        handshake = read_handshake(scope, settings.SESSION_COOKIE_NAME, settings.TRUSTED_PROXIES)
        identity, refusal = await self._authenticate(handshake)
        if not self._origin_holds(handshake, identity):
            metrics.CLOSES.labels("403").inc()
            await send({"type": "websocket.close", "code": CloseCode.FORBIDDEN})
            return
        await send({"type": "websocket.accept", "subprotocol": handshake.subprotocol})
        self.connection = self._connection(handshake, identity)
        self.commands = Commands(self.gateway, self.connection, self._has_room)
        self._open(refusal or self._refusal(handshake))
        await self._serve()

    # --- the handshake ------------------------------------------------------------------------

    async def _authenticate(self, handshake: Handshake) -> tuple[Identity | None, Refusal | None]:
        """Who it is, or what to close with. A token that does not hold never passes for a guest."""
        try:
            if handshake.token is not None:
                return await in_database(authentication.by_token, handshake.token), None
            if handshake.session_key is not None:
                return await in_database(authentication.by_session, handshake.session_key), None
        except TokenError as error:
            return None, (CloseCode.UNAUTHENTICATED, str(error))
        except Exception:
            logger.exception("credentials could not be read")
            return None, (CloseCode.RESTART, "credentials cannot be read now: come back")
        return None, None

    def _origin_holds(self, handshake: Handshake, identity: Identity | None) -> bool:
        """Pages of other origins stay out, and a cookie speaks only where an Origin says for whom."""
        by_cookie = identity is not None and handshake.token is None
        if handshake.origin is None:
            return not by_cookie
        return handshake.origin_allowed(settings.CORS_ORIGINS)

    def _connection(self, handshake: Handshake, identity: Identity | None) -> Connection:
        now = time.monotonic()
        return Connection(
            id=str(uuid4()),
            address=handshake.address,
            agent=handshake.agent,
            opened_at=now,
            wake=self._wake,
            identity=identity,
            bearer=handshake.token is not None,
            last_frame_at=now,
        )

    def _refusal(self, handshake: Handshake) -> Refusal | None:
        """Why this socket may not stay, in the order in which a client should hear it."""
        gateway = self.gateway
        if gateway.draining:
            return CloseCode.RESTART, "this gateway stops, another takes over"
        if not gateway.handshakes.take(handshake.address, time.monotonic()):
            return CloseCode.RATE_LIMITED, "too many handshakes from your address: wait a minute"
        return admission.refusal(
            handshake, self.connection.identity, gateway.connections.values(), gateway.policy
        )

    def _open(self, refusal: Refusal | None) -> None:
        self._greet()
        if refusal is None:
            self.gateway.add(self.connection)
            return
        if refusal[0] is CloseCode.REALTIME_OFF:
            self._say("system:polling", {"retryAfterMs": settings.POLL_INTERVAL})
        self.connection.close(*refusal)

    def _greet(self) -> None:
        identity = self.connection.identity
        self._say(
            "hello",
            {
                "connectionId": self.connection.id,
                "instance": self.gateway.instance,
                "user": identity.wire() if identity else None,
                "heartbeatMs": HEARTBEAT_MS,
                "realtime": self.gateway.policy.realtime,
                "banner": self.gateway.policy.banner,
            },
        )

    def _say(self, event: str, data: dict[str, Any]) -> None:
        self.connection.send(protocol.frame(event, data))
        metrics.count_out(event)

    # --- the life of an open socket -----------------------------------------------------------

    async def _serve(self) -> None:
        if self._controls is not None:
            self._controls["on_control"] = self._heard
        reader = asyncio.create_task(self._read())
        writer = self.writer = asyncio.create_task(self._write())
        if self.connection.closing is not None:
            self._wake()
        guard = asyncio.create_task(self._require_authentication())
        code, stuck = 1006, False
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            # After our close the reader waits for the peer's; a peer that takes nothing is cut off.
            stuck = writer.cancelled()
            await asyncio.wait({reader}, timeout=0 if stuck else CLOSE_SECONDS)
            code = reader.result() if reader.done() else 1006
        finally:
            self.gateway.remove(self.connection)
            self.commands.stop()
            for task in (reader, writer, guard):
                task.cancel()
            await asyncio.gather(reader, writer, guard, return_exceptions=True)
            self._count_close(code)
            if stuck and self._controls is not None:
                self._controls["abort"]()

    def _wake(self) -> None:
        """Something is queued, or the socket is to close: it then has CLOSE_SECONDS to take what is left."""
        self.woken.set()
        if self.connection.closing is not None and self.writer is not None:
            asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.writer.cancel)

    def _heard(self) -> None:
        """A frame came, be it only a pong."""
        self.connection.last_frame_at = time.monotonic()

    def _count_close(self, code: int) -> None:
        closing = self.connection.closing
        metrics.CLOSES.labels(str(closing.code if closing else code)).inc()
        if closing and closing.code == CloseCode.TOO_SLOW:
            metrics.SLOW_CONSUMERS.inc()

    async def _require_authentication(self) -> None:
        if self.connection.identity is None and self.gateway.policy.require_auth:
            await asyncio.sleep(AUTH_SECONDS)
            if self.connection.identity is None:
                metrics.AUTH_FAILURES.labels("missing").inc()
                self.connection.close(CloseCode.UNAUTHENTICATED, "credentials are required: log in")

    # --- in -----------------------------------------------------------------------------------

    async def _read(self) -> int:
        """Answer frames until the socket is gone; its close code."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return int(message.get("code") or 1005)
            self._heard()
            if self.connection.closing is None:
                await self._answer(message.get("text"))

    async def _answer(self, text: str | None) -> None:
        """Each frame with an id gets exactly one ack or error, whatever it holds."""
        try:
            command = self._admit(text)
            answer = await self._run(command)
        except FrameError as error:
            self._refuse(error)
            return
        if command.id is not None:
            self.connection.send(protocol.ack(command.id, answer.data))
            metrics.count_out("ack")
        answer.then()

    def _admit(self, text: str | None) -> Command:
        """The command that a message holds, within the rate limit, under which bad frames count too."""
        in_force = self.gateway.policy
        verdict = (
            self.rate.hit(time.monotonic(), in_force.rate_window, in_force.rate_max)
            if in_force.rate_limited
            else RateVerdict(allowed=True)
        )
        try:
            command = protocol.parse(text)
        except FrameError as error:
            raise (error if verdict.allowed else self._over_rate(verdict, error.frame_id)) from None
        metrics.count_in(command.event)
        if not verdict.allowed:
            raise self._over_rate(verdict, command.id)
        return command

    def _over_rate(self, verdict: RateVerdict, frame_id: protocol.FrameId) -> FrameError:
        metrics.RATE_LIMITED.inc()
        in_force = self.gateway.policy
        error = FrameError(
            ErrorCode.RATE_LIMITED,
            f"more than {in_force.rate_max} frames in {in_force.rate_window * 1000:.0f} ms: slow down",
            frame_id,
            retryAfterMs=verdict.retry_after_ms,
        )
        return error.closing(CloseCode.RATE_LIMITED) if verdict.flooding else error

    async def _run(self, command: Command) -> Answer:
        try:
            return await self.commands.run(command)
        except FrameError:
            raise
        except Exception:
            logger.exception("a frame could not be answered")
            raise command.error(
                "that failed here, nothing was changed: try again", ErrorCode.INTERNAL
            ) from None

    def _refuse(self, error: FrameError) -> None:
        self.connection.send(protocol.error(error))
        metrics.ERRORS.labels(error.code).inc()
        metrics.count_out("error")
        if error.close_code is not None:
            self.connection.close(error.close_code, error.message)
        elif error.code is ErrorCode.BAD_FRAME and self.gateway.policy.strict:
            self.connection.close(CloseCode.BAD_FRAME, error.message)

    # --- out ----------------------------------------------------------------------------------

    async def _write(self) -> None:
        """Send what is queued, as it comes; end with the close frame once one is due."""
        outbox = self.connection.outbox
        while True:
            await self.woken.wait()
            self.woken.clear()
            while (frame := outbox.take()) is not None:
                await self._send({"type": "websocket.send", "text": frame})
                self._announce_room()
            closing = self.connection.closing
            if closing is not None:
                reason = closing.reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore")
                await self._send({"type": "websocket.close", "code": closing.code, "reason": reason})
                return

    def _has_room(self) -> "asyncio.Future[None]":
        """Done when the send queue is less than half full, so that a replay never overruns it."""
        waiter = asyncio.get_running_loop().create_future()
        self.waiting_for_room.append(waiter)
        self._announce_room()
        return waiter

    def _announce_room(self) -> None:
        if self.waiting_for_room and self.connection.outbox.below(0.5):
            for waiter in self.waiting_for_room:
                if not waiter.done():
                    waiter.set_result(None)
            self.waiting_for_room.clear()
