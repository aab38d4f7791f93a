"""Engine.IO 4 over ASGI: which request opens a session, polls it, brings packets, or moves it to a WebSocket.

Every request is answered, and what the protocol does not allow by 400 or 413 at once. A payload that is
refused, a poll that breaks off and two polls at a time end their session: the client cannot know then which
of its packets were carried out, nor the server which of its own have arrived.
"""

import os
from collections.abc import Callable

from realtime.connection import Close
from realtime.engineio import Conversation, EngineSession, Heartbeat, Transport
from realtime.engineio_requests import BrokenOff, Problem, Refusal, Request
from realtime.engineio_websocket import Socket
from realtime.refusals import note
from realtime.socketio_packets import SEPARATOR, EngineType, PacketError, TooLarge, read_payload
from realtime.workers import SUPERVISED

# Each connection reaches any of them, whatever a balancer in front does, and each poll may be another one.
ONE_OF_SEVERAL = 'several workers serve here: connect with transports: ["websocket"]'
BROKEN_OFF = "a poll broke off"
OVERLAP = "two polls at a time"

Begin = Callable[[EngineSession], Conversation]


class EngineServer:
    """The sessions of one process, by their ids."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self.sessions: dict[str, EngineSession] = {}
        self._heartbeat = heartbeat

    async def handle(self, request: Request, begin: Begin) -> None:
        """Answer a request. Raises Refusal. `begin` makes what a new session carries."""
        request.check()
        session = None if request.sid is None else self._find(request.sid)
        if request.is_websocket:
            await self._websocket(request, session, begin)
        elif session is None:
            await self._open(request, begin)
        elif session.transport is Transport.WEBSOCKET:
            raise Refusal(Problem.BAD_REQUEST, "this session has moved to a WebSocket")
        elif request.method == "POST":
            await self._post(request, session)
        else:
            await self._poll(request, session)

    def _find(self, sid: str) -> EngineSession:
        try:
            return self.sessions[sid]
        except KeyError:
            raise Refusal(Problem.UNKNOWN_SID, "no such session: open another one") from None

    def _begin(self, begin: Begin, transport: Transport) -> EngineSession:
        session = EngineSession(begin, transport, self._heartbeat, self._forget)
        self.sessions[session.sid] = session
        return session

    def _forget(self, session: EngineSession) -> None:
        self.sessions.pop(session.sid, None)

    # --- by polling ---------------------------------------------------------------------------

    async def _open(self, request: Request, begin: Begin) -> None:
        if SUPERVISED in os.environ:
            note(
                "engine.io",
                "a session by polling",
                f"it does not go with gateway --workers: {ONE_OF_SEVERAL}",
            )
            raise Refusal(Problem.BAD_REQUEST, ONE_OF_SEVERAL)
        session = self._begin(begin, Transport.POLLING)
        self._watch_answer(request, session)
        await request.answer(session.greet().encode())

    async def _poll(self, request: Request, session: EngineSession) -> None:
        if session.is_polled:
            session.end(1002, OVERLAP)
            raise Refusal(Problem.BAD_REQUEST, OVERLAP)
        session.is_polled = True
        request.counted_elsewhere()
        self._watch_answer(request, session)
        watching = request.watch(lambda: session.end(1006))
        try:
            packets = await session.packets()
        finally:
            watching.cancel()
            session.is_polled = False
        over = session.over
        if over is not None:
            packets.append(EngineType.NOOP if over.code == 1000 else EngineType.CLOSE)
        await request.answer((SEPARATOR.join(packets) or EngineType.NOOP).encode())

    def _watch_answer(self, request: Request, session: EngineSession) -> None:
        """Where our server finds that an answer is never taken its session ends.

        A client that polls again, or has moved to a WebSocket, has taken the answer before.
        """
        session.answers += 1
        answer = session.answers

        def end() -> None:
            if session.answers == answer and session.transport is not Transport.WEBSOCKET:
                session.end(1006)

        request.on_answer_lost(end)

    async def _post(self, request: Request, session: EngineSession) -> None:
        try:
            await session.receive(read_payload(await request.body()))
        except BrokenOff:
            session.end(1006)
            return
        except PacketError as error:
            session.end(error.code, str(error))
            status = 413 if isinstance(error, TooLarge) else 400
            raise Refusal(Problem.BAD_REQUEST, str(error), status) from None
        await request.answer(b"ok")

    # --- by a WebSocket -----------------------------------------------------------------------

    async def _websocket(self, request: Request, session: EngineSession | None, begin: Begin) -> None:
        await request.send({"type": "websocket.accept"})
        socket = Socket(request.scope, request.receive, request.send)
        if session is not None and session.transport is not Transport.POLLING:
            await socket.close(Close(1002, "this session has a WebSocket"))
            return
        if session is None:
            session = self._begin(begin, Transport.WEBSOCKET)
            session.send(session.greet())
        elif not await socket.upgrade(session):
            await socket.close(Close(1002, "the upgrade was not completed"))
            return
        request.counted_elsewhere()
        await socket.carry(session)
