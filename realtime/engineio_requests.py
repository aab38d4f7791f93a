"""A request of an Engine.IO client: what it asks for, its body, and the way to answer it."""

import asyncio
from collections.abc import Callable
from enum import IntEnum
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

import orjson

from realtime import cross_origin
from realtime.asgi import Headers
from realtime.poll_query import MAX_PARAMETERS, TOO_MANY
from realtime.protocol import MAX_FRAME_BYTES
from realtime.responses import answer_options, send_response
from realtime.socketio_packets import TooLarge
from realtime.wire import ANSWER_LOST, CLIENT_LEFT, counted_elsewhere

PROTOCOL = "4"
TRANSPORTS = ("polling", "websocket")
METHODS = b"GET, POST, OPTIONS"


class Problem(IntEnum):
    """The `code` of a refusal, by the numbers that Engine.IO's own server gives."""

    UNKNOWN_TRANSPORT = 0
    UNKNOWN_SID = 1
    BAD_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    UNSUPPORTED_PROTOCOL = 5


class Refusal(Exception):
    """A request that is not carried out."""

    def __init__(self, problem: Problem, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = orjson.dumps({"code": problem, "message": message})


class BrokenOff(Exception):
    """The client was gone before its request was read."""


class Request:
    """One HTTP request, or the handshake of a WebSocket. Raises Refusal where its query makes no sense."""

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.is_websocket = scope["type"] == "websocket"
        self.method = scope.get("method", "GET")

    @cached_property
    def _query(self) -> dict[str, list[str]]:
        query = self.scope["query_string"].decode("latin-1")
        try:
            return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
        except ValueError:
            raise Refusal(Problem.BAD_REQUEST, TOO_MANY) from None

    @property
    def sid(self) -> str | None:
        return self._one("sid")

    def check(self) -> None:
        """Raises Refusal for what no session takes."""
        transport = self._one("transport")
        if transport not in TRANSPORTS:
            raise Refusal(Problem.UNKNOWN_TRANSPORT, "transport must be polling or websocket")
        if self.is_websocket is not (transport == "websocket"):
            raise Refusal(Problem.BAD_REQUEST, "transport=websocket, and no other, comes as a WebSocket")
        if "j" in self._query:
            raise Refusal(Problem.BAD_REQUEST, "JSONP is not supported: poll with XMLHttpRequest or fetch")
        if self.sid is None and self.method != "GET":
            raise Refusal(Problem.BAD_METHOD, "a session is opened with GET")
        if self.sid is None and self._one("EIO") != PROTOCOL:
            raise Refusal(Problem.UNSUPPORTED_PROTOCOL, "only EIO=4 is spoken: use socket.io-client 3 or 4")
        if self.method not in ("GET", "POST"):
            raise Refusal(Problem.BAD_METHOD, "only GET and POST are answered here")

    def _one(self, name: str) -> str | None:
        values = self._query.get(name, [])
        if len(values) > 1:
            raise Refusal(Problem.BAD_REQUEST, f"{name} stands in the query {len(values)} times")
        return values[0] if values else None

    async def body(self) -> bytes:
        """The whole body: it was read by then, see `realtime.bodies`. Raises TooLarge, and BrokenOff."""
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise BrokenOff
        body: bytes = message.get("body", b"")
        if len(body) > MAX_FRAME_BYTES:
            raise TooLarge(f"a payload has at most {MAX_FRAME_BYTES} bytes")
        return body

    def watch(self, gone: Callable[[], None]) -> "asyncio.Task[None]":
        """Call `gone` when the client goes away before it was answered; cancel the task to stop watching."""

        async def wait() -> None:
            while (await self.receive())["type"] != "http.disconnect":
                pass
            gone()

        return asyncio.create_task(wait())

    def counted_elsewhere(self) -> None:
        """Its session has a place of its own, which bounds how many such requests there are."""
        counted_elsewhere(self.scope)()

    def on_answer_lost(self, act: Callable[[], None]) -> None:
        """Call `act` where our server finds that the client does not take the answer, or has gone."""
        extensions = self.scope.get("extensions")
        if extensions is not None:
            extensions[ANSWER_LOST] = act
            if extensions.get(CLIENT_LEFT):
                asyncio.get_running_loop().call_soon(act)

    async def answer(
        self, body: bytes = b"", status: int = 200, media_type: str = "text/plain; charset=UTF-8"
    ) -> None:
        headers = [*self._cors(), (b"cache-control", b"no-store")]
        if status == 503:
            headers.append((b"retry-after", b"1"))
        await send_response(self.scope, self.send, status, body, media_type, headers)

    async def refuse(self, refusal: Refusal) -> None:
        await self.answer(refusal.body, refusal.status, "application/json")

    async def answer_options(self) -> None:
        """What may be asked, and what a page of another origin that is allowed may send."""
        headers = [*self._cors(), (b"access-control-allow-methods", METHODS)]
        asked = self._header(b"access-control-request-headers")
        if asked is not None:
            headers.append((b"access-control-allow-headers", asked))
        await answer_options(self.scope, self.send, METHODS, headers)

    def _cors(self) -> Headers:
        """For pages of other origins that are allowed."""
        return [*cross_origin.headers(self.scope), (b"vary", b"Origin")]

    def _header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.scope["headers"] if key.lower() == name), None)
