"""Requests to one gateway, over connections that are kept open."""

import asyncio
import errno
import json
from collections.abc import Callable
from typing import Any, cast

import httptools
from django.core.management.base import CommandError

from devmentor.loadtesting.address import Address

SECONDS = 10.0  # for one answer
HOW_TO_START = "start one with `make run` or `manage.py gateway`, or give --url"
HINTS = {
    301: "give --url with the scheme that it asks for",
    302: "give --url with the scheme that it asks for",
    400: "if it does not serve that host name (ALLOWED_HOSTS), give --url with one that it serves",
    401: "the log-in does not hold there",
    429: "the calls and the changes of one user are limited there (API_CALLS_PER_MINUTE, WRITES_PER_MINUTE)",
}


class Answer:
    """A response: `headers` by their names in small letters."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = bytearray()

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)

    def __str__(self) -> str:
        """`403: Only an owner or an editor of the project may do this`: the status, and why."""
        try:
            return f"{self.status}: {self.json()['detail']}"
        except (ValueError, TypeError, KeyError):
            return str(self.status)


class Exchange(asyncio.Protocol):
    """One kept connection, for one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()
        self._waiting: asyncio.Future[Answer] | None = None
        self.usable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    async def ask(self, request: bytes, sent: Callable[[], None] | None) -> Answer:
        self._answer = Answer()
        self._waiting = asyncio.get_running_loop().create_future()
        if sent is not None:
            sent()
        self.transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(ConnectionError("answers, but not in HTTP"))
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(ConnectionError("the connection was closed before the answer"))

    def _fail(self, failure: OSError) -> None:
        self.usable = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(failure)

    # --- called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()
        self.usable = self.usable and self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)


class Http:
    """Whoever holds `token` (None: nobody in particular), speaking to one gateway."""

    def __init__(self, address: Address, token: str | None = None) -> None:
        self.address = address
        self.token = token
        self._idle: list[Exchange] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str | None = None,
        token: str | None = None,
        sent: Callable[[], None] | None = None,
    ) -> Answer:
        """Any answer. `token`: of somebody else. `sent` is called right before the request goes out.

        Raises OSError.
        """
        request = self._request(method, path, body, key, token or self.token)
        try:
            async with asyncio.timeout(SECONDS):
                exchange = await self._exchange()
                try:
                    answer = await exchange.ask(request, sent)
                except BaseException:
                    exchange.transport.abort()
                    raise
        except TimeoutError:
            raise TimeoutError(f"no answer within {SECONDS:.0f} s") from None
        if exchange.usable:
            self._idle.append(exchange)
        else:
            exchange.transport.close()
        return answer

    async def get(self, path: str) -> Any:
        """The JSON that stands there. Raises CommandError."""
        answer = await self.surely("GET", path)
        try:
            return answer.json()
        except ValueError:
            raise CommandError(f"{self.address.http}{path} is no answer of a DevMentor gateway") from None

    async def surely(self, method: str, path: str, body: object = None) -> Answer:
        """An answer that says yes. Raises CommandError, which names what is wrong."""
        try:
            answer = await self.ask(method, path, body)
        except OSError as failure:
            raise CommandError(unreachable(self.address, failure)) from None
        if answer.status >= 300:
            hint = HINTS.get(answer.status)
            more = f"; {hint}" if hint else ""
            raise CommandError(f"{method} {self.address.http}{path} answers {answer}{more}")
        return answer

    def close(self) -> None:
        for exchange in self._idle:
            exchange.transport.close()
        self._idle.clear()

    async def _exchange(self) -> Exchange:
        while self._idle:
            exchange = self._idle.pop()
            if exchange.usable:
                return exchange
        where = self.address
        loop = asyncio.get_running_loop()
        _, opened = await loop.create_connection(Exchange, where.host, where.port, ssl=where.secure or None)
        return opened

    def _request(self, method: str, path: str, body: object, key: str | None, token: str | None) -> bytes:
        content = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.address.netloc}",
            "Accept: application/json",
            "User-Agent: devmentor-loadtest",
            f"Content-Length: {len(content)}",
            *(["Content-Type: application/json"] if content else []),
            *([f"Authorization: Bearer {token}"] if token else []),
            *([f"Idempotency-Key: {key}"] if key else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + content


def unreachable(address: Address, failure: BaseException) -> str:
    """A line for a gateway that cannot be reached."""
    return f"no gateway answers at {address.http} ({reason(failure)}): {HOW_TO_START}"


def reason(failure: BaseException) -> str:
    """Why a connection failed, in a few words."""
    # Of several addresses of a name asyncio tells in one text.
    if isinstance(failure, ConnectionRefusedError) or f"[Errno {errno.ECONNREFUSED}]" in str(failure):
        return "connection refused"
    words = getattr(failure, "strerror", None) or str(failure) or type(failure).__name__
    return str(words)
