"""One client: a socket that joins a room, comes back when it is lost, and keeps account of what it hears."""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import Opcode
from websockets.protocol import Event

from devmentor.loadtesting.arrivals import Arrivals
from devmentor.loadtesting.http import Http, reason
from devmentor.loadtesting.ledger import Ledger, event_of

OPEN_SECONDS = 10.0
CLOSE_SECONDS = 2.0
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 4.0  # the browser's backoff begins there, too
AT_ONCE = {4408, 4413}  # closes after which the browser's client comes back without a wait
JOIN, LEAVE = "project:join", "project:leave"
LOST = (OSError, EOFError, WebSocketException)


class Refused(Exception):
    """No place in the room: `code` is the close's or the error's, or the handshake's status."""

    def __init__(self, code: int | str | None, why: str) -> None:
        super().__init__(f"{code} {why}".strip() if code is not None else why)
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether the connection failed, or the gateway restarts: no refusal of its own."""
        return self.code is None or (isinstance(self.code, int) and 1000 <= self.code < 2000)


@dataclass(slots=True)
class Place:
    """What the clients of a crowd have in common: where they go and as whom, to which room, who counts.

    tokens: of those as whom the clients come, in turn; none: as whoever `http` speaks for
    """

    http: Http
    room: str
    arrivals: Arrivals
    tokens: Sequence[str] = ()
    instances: set[str] = field(default_factory=set)

    def token_of(self, number: int) -> str | None:
        return self.tokens[number % len(self.tokens)] if self.tokens else self.http.token


class Line(ClientConnection):
    """A WebSocket that hands each frame to its client as it comes: no queue, no task in between."""

    def __init__(self, client: "Client", *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client = client
        self._parts: list[bytes] = []

    def process_event(self, event: Event) -> None:
        if self.response is None or getattr(event, "opcode", None) not in (Opcode.TEXT, Opcode.CONT):
            super().process_event(event)
            return
        payload, last = bytes(getattr(event, "data", b"")), getattr(event, "fin", True)
        if not last or self._parts:
            self._parts.append(payload)
            if not last:
                return
            payload = b"".join(self._parts)
            self._parts.clear()
        self._client.hear(payload)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._client.ended(self)


class Client:
    """`moved` is called for each event that is new to it; `closes`: codes of the connections that it lost;
    `number`: which of its crowd it is.
    """

    def __init__(self, place: Place, moved: Callable[["Client"], None], number: int = 0) -> None:
        self.ledger = Ledger()
        self.closes: list[int] = []
        self.refusal: Refused | None = None
        self._place = place
        self._number = number
        self._moved = moved
        self._line: Line | None = None
        self._joining: asyncio.Future[None] | None = None
        self._comeback: float | None = None
        self._lost = asyncio.Event()
        self._staying: asyncio.Task[None] | None = None

    @property
    def is_there(self) -> bool:
        return self._line is not None

    async def enter(self) -> None:
        """Open a socket and join, with `since` where it was there before. Raises Refused."""
        line: Line | None = None
        entered = False
        try:
            line = await self._open()
            await self._join(line)
            entered = True
        except (*LOST, Refused) as failure:
            self.refusal = self._refusal(failure, line)
            raise self.refusal from None
        finally:
            if line is not None and not entered:
                line.transport.abort()
        self._line, self.refusal, self._comeback = line, None, None
        self._lost.clear()
        if line.close_code is not None:  # it was lost right after the ack
            self.ended(line)

    def stay(self) -> None:
        """From now on come back whenever the connection is lost."""
        self._staying = asyncio.create_task(self._stay())

    async def leave(self) -> None:
        """Leave the room and close, for good."""
        if self._staying is not None:
            self._staying.cancel()
            await asyncio.gather(self._staying, return_exceptions=True)
        line, self._line = self._line, None
        if line is not None:
            with suppress(*LOST):
                await line.send(json.dumps({"event": LEAVE, "data": {"projectId": self._place.room}}))
            await line.close()

    async def renew(self) -> None:
        """Show the new token, before the old one runs out."""
        if self._line is not None:
            with suppress(*LOST):
                shown = {"token": self._place.token_of(self._number)}
                await self._line.send(json.dumps({"event": "auth", "data": shown}))

    def account(self) -> str:
        """Its losses in words."""
        gone = "" if self.is_there else f", not there ({self.refusal or 'on its way back'})"
        return f"{self.ledger}, the last heard is {self.ledger.seq}{gone}"

    # --- what it hears --------------------------------------------------------------------------

    def hear(self, payload: bytes) -> None:
        heard = event_of(payload)
        if heard is None:
            self._hear_other(orjson.loads(payload))
        elif heard.room == self._place.room and self.ledger.take(heard.seq):
            self._place.arrivals.arrived(heard.key)
            self._moved(self)

    def _hear_other(self, frame: dict[str, Any]) -> None:
        event, data = frame.get("event"), frame.get("data") or {}
        if event == "hello":
            self._place.instances.add(str(data.get("instance")))
        elif event == "system:draining":
            self._comeback = int(data.get("reconnectAfterMs", 0)) / 1000
        elif frame.get("id") == 1 and self._joining is not None and not self._joining.done():
            if event == "ack":
                self.ledger.join(int(data["seq"]))
                self._joining.set_result(None)
            else:
                if data.get("code") == "history-trimmed":
                    self.ledger.cut_off()
                self._joining.set_exception(Refused(data.get("code"), str(data.get("message", ""))))

    def ended(self, line: Line) -> None:
        """The connection is gone."""
        if self._joining is not None and not self._joining.done():
            why = line.close_reason or "the connection was lost"
            self._joining.set_exception(Refused(line.close_code, why))
        if self._line is line:
            self._line = None
            self.closes.append(line.close_code or 1006)
            self._lost.set()

    # --- opening and coming back ----------------------------------------------------------------

    async def _open(self) -> Line:
        opened = await connect(
            self._place.http.address.socket,
            additional_headers={"Authorization": f"Bearer {self._place.token_of(self._number)}"},
            create_connection=partial(Line, self),  # type: ignore[arg-type]  # it takes any maker of one
            user_agent_header="devmentor-loadtest",
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            compression=None,
            proxy=None,
            max_size=None,
        )
        assert isinstance(opened, Line)
        return opened

    async def _join(self, line: Line) -> None:
        joining = self._joining = asyncio.get_running_loop().create_future()
        try:
            await line.send(json.dumps({"id": 1, "event": JOIN, "data": self._cursor()}))
            async with asyncio.timeout(OPEN_SECONDS):
                await joining
        finally:
            self._joining = None
            if joining.done() and not joining.cancelled():
                joining.exception()  # where another failure told of it first: asyncio would log it

    def _cursor(self) -> dict[str, Any]:
        room, since = {"projectId": self._place.room}, self.ledger.seq
        return room if since is None else {**room, "since": since}

    def _refusal(self, failure: BaseException, line: Line | None) -> Refused:
        if isinstance(failure, Refused):
            return failure
        if line is not None and line.close_code not in (None, 1006):
            return Refused(line.close_code, line.close_reason or "")
        if isinstance(failure, InvalidStatus):
            return Refused(failure.response.status_code, "to the handshake")
        if isinstance(failure, TimeoutError):
            return Refused(None, f"no answer within {OPEN_SECONDS:.0f} s")
        return Refused(None, reason(failure))

    async def _stay(self) -> None:
        while True:
            await self._lost.wait()
            attempt = 0
            while not self.is_there:
                await asyncio.sleep(self._wait(attempt))
                attempt += 1
                with suppress(Refused):
                    await self.enter()

    def _wait(self, attempt: int) -> float:
        """Full jitter, unless the gateway has said when, or that it is no matter of waiting."""
        if attempt == 0 and self._comeback is not None:
            return self._comeback
        if attempt == 0 and self.closes[-1] in AT_ONCE:
            return 0.0
        return random.uniform(0, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**attempt))  # noqa: S311
