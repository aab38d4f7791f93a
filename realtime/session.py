"""A client's conversation with the gateway, whatever carries it: who it is, what it asks, what it is told."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from realtime import admission, metrics, origins, protocol
from realtime.admission import Handshake, Refusal
from realtime.commands import Answer, Commands
from realtime.connection import Connection, FrameRate, Identity, RateVerdict, connection_id
from realtime.connection_limits import HANDSHAKES
from realtime.enforcement import NO_LOG_IN
from realtime.gateway import STOPPING, Gateway
from realtime.outages import log_failure
from realtime.protocol import CloseCode, Command, ErrorCode, FrameError
from realtime.rounds import HEARTBEAT_MS
from realtime.tokens import CredentialsError

AUTH_SECONDS = 5.0  # how long a guest has to authenticate where that is required


async def authenticate(gateway: Gateway, handshake: Handshake) -> tuple[Identity | None, Refusal | None]:
    """Who it is, or what to close with. Credentials that do not hold never pass for a guest's.

    A handshake of its address, whatever becomes of it: each costs a look at the database.
    """
    if not await gateway.following.begun():
        return None, (CloseCode.RESTART, "the switches in force cannot be read now: come back")
    if blocked := gateway.following.blocked(handshake.address):
        return None, blocked
    if not gateway.handshakes.take(handshake.address, time.monotonic()):
        admission.note_refusal(handshake.address, HANDSHAKES.reason)
        return None, (CloseCode.RATE_LIMITED, HANDSHAKES.reason)
    try:
        return await gateway.authentication.identify(handshake.credentials), None
    except CredentialsError as error:
        return None, (CloseCode.UNAUTHENTICATED, str(error))
    except Exception as failure:  # noqa: BLE001  whatever it was: logged, and told
        log_failure("looking credentials up", failure)
        return None, (CloseCode.RESTART, "credentials cannot be read now: come back")


def by_ended_session(handshake: Handshake, refusal: Refusal | None) -> bool:
    """Whether it came with the cookie of an ended session, so that the answer is to take that back."""
    by_cookie = handshake.credentials.session_key is not None
    return by_cookie and refusal is not None and refusal[0] is CloseCode.UNAUTHENTICATED


def lifetime() -> float:
    """How long a new connection may last, in seconds: drawn for each, so that a burst does not end as one."""
    return settings.MAX_CONNECTION_AGE / 1000 * random.uniform(0.9, 1.1) or float("inf")  # noqa: S311


def _nothing() -> None:
    pass


def origin_holds(handshake: Handshake, identity: Identity | None) -> bool:
    """Pages of other origins stay out, and a cookie speaks only where an Origin says for whom."""
    if handshake.origin is None:
        return identity is None or handshake.token is not None
    by_cookie = identity is not None and handshake.token is None
    if by_cookie and not origins.takes_cookies(handshake.origin):
        return False
    return handshake.origin_allowed(settings.CORS_ORIGINS)


class Session:
    """One client, from its handshake to its end.

    wake: called when frames are queued on the connection, or when it is to close
    transport: "websocket" or "socketio"
    """

    __slots__ = ("_commands", "_guard", "_rate", "connection", "gateway", "handshake")

    def __init__(
        self,
        gateway: Gateway,
        handshake: Handshake,
        identity: Identity | None,
        wake: Callable[[], None],
        transport: str = "websocket",
    ) -> None:
        now = time.monotonic()
        self.gateway = gateway
        self.handshake = handshake
        self.connection = Connection(
            id=connection_id(),
            address=handshake.address,
            agent=handshake.agent,
            opened_at=now,
            wake=wake,
            identity=identity,
            bearer=handshake.token is not None,
            has_origin=handshake.origin is not None,
            transport=transport,
            ends_at=now + lifetime(),
            last_frame_at=now,
        )
        self._commands = Commands(gateway, self.connection)
        self._rate = FrameRate()
        self._guard: asyncio.TimerHandle | None = None

    # --- its beginning and its end ------------------------------------------------------------

    def refusal(self) -> Refusal | None:
        """Why this client may not stay; operators are told where their limits decide."""
        found = self._refusal()
        if found is not None:
            admission.note_refusal(self.handshake.address, found[1])
        return found

    def _refusal(self) -> Refusal | None:
        """In the order in which a client should hear it."""
        gateway, handshake = self.gateway, self.handshake
        if gateway.draining:
            return CloseCode.RESTART, STOPPING
        if blocked := gateway.following.blocked(handshake.address):  # while its credentials were looked up
            return blocked
        return admission.refusal(handshake, self.connection.identity, gateway.census, gateway.policy)

    def open(self, refusal: Refusal | None) -> None:
        """Greet; then be one of the gateway's connections, or close with the reason of the refusal."""
        self._greet()
        if refusal is None:
            self.gateway.add(self.connection)
            self._await_authentication()
            return
        self.gateway.following.turn_away(self.connection, *refusal)

    def end(self, code: int) -> None:
        """The client is gone; `code` counts unless the gateway closed it for a reason of its own."""
        if self._guard is not None:
            self._guard.cancel()
        self.connection.wake = _nothing  # else whoever wakes and who is woken hold each other
        closing = self.connection.closing
        code, reason = (int(closing.code), closing.reason) if closing else (code, None)
        self.gateway.audit.closed(self.connection, code, reason)
        self.gateway.remove(self.connection)
        metrics.count_close(code, by_client=closing is None)
        if closing and closing.code == CloseCode.TOO_SLOW:
            metrics.SLOW_CONSUMERS.inc()

    def heard(self, payload: int = 0) -> None:
        """A frame came, be it only a pong; `payload` in bytes."""
        self.connection.last_frame_at = time.monotonic()
        self.connection.bytes_in += payload

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

    def _await_authentication(self) -> None:
        if self.connection.identity is None and self.gateway.policy.require_auth:
            loop = asyncio.get_running_loop()
            self._guard = loop.call_later(AUTH_SECONDS, self._close_unauthenticated)

    def _close_unauthenticated(self) -> None:
        if self.connection.identity is None and self.gateway.policy.require_auth:
            metrics.AUTH_FAILURES.labels("missing").inc()
            self.connection.close(CloseCode.UNAUTHENTICATED, NO_LOG_IN)

    # --- what it asks -------------------------------------------------------------------------

    async def run(self, read: Callable[[], Command]) -> Answer:
        """Carry out the command that `read` gives, within the rate limit, under which bad frames count too.

        Raises FrameError.
        """
        self.connection.frames_in += 1
        verdict = self._hit()
        try:
            command = read()
        except FrameError as error:
            raise (error if verdict.allowed else self._over_rate(verdict, error.frame_id)) from None
        metrics.count_in(command.event)
        if not verdict.allowed:
            raise self._over_rate(verdict, command.id)
        try:
            answer = await self._commands.run(command)
        except FrameError:
            raise
        except Exception as failure:  # noqa: BLE001  whatever it was: logged, and told
            log_failure(f"answering {command.event[:50]!r}", failure)
            raise command.error("that failed, nothing was changed: try again", ErrorCode.INTERNAL) from None
        answer.id = command.id
        return answer

    async def answer(self, read: Callable[[], Command]) -> None:
        """Carry out the command that `read` gives; one with an id gets exactly one ack or error for it."""
        try:
            answer = await self.run(read)
        except FrameError as error:
            self.connection.send(protocol.error(error))
            self._refused(error)
            return
        if answer.id is not None:
            self.connection.send(protocol.ack(answer.id, answer.data))
            metrics.count_out("ack")
        if not self.connection.gone:  # meanwhile
            answer.then()

    def _refused(self, error: FrameError) -> None:
        """Count an error that has been told, and close where it calls for that."""
        metrics.ERRORS.labels(error.code).inc()
        metrics.count_out("error")
        if error.close_code is not None:
            self.connection.close(error.close_code, error.message)
        elif error.code is ErrorCode.BAD_FRAME and self.gateway.policy.strict:
            self.connection.close(CloseCode.BAD_FRAME, error.message)

    def _hit(self) -> RateVerdict:
        in_force = self.gateway.policy
        if not in_force.rate_limited:
            return RateVerdict(allowed=True)
        return self._rate.hit(time.monotonic(), in_force.rate_window, in_force.rate_max)

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
