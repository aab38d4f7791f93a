"""One reader of the bodies of all requests, in front of everything that answers HTTP.

A body that comes in chunks has no Content-Length, and Django, DRF and Engine.IO take such a body for an empty
one. So a body is read to its end here, whatever its framing, and handed on whole with its length. Here are
also all the bounds of a body: what is too large, too slow or in an encoding that nobody reads is refused
before anything else looks at the request.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from django.utils.http import parse_header_parameters

from realtime.asgi import ASGIApp, Headers, Receive, Send
from realtime.cross_origin import refusal_headers
from realtime.problems import answer_to
from realtime.rare_log import RareLog
from realtime.refusals import shown
from realtime.responses import messages

_log = RareLog(logging.getLogger(__name__))

IDLE_SECONDS = 10.0  # without a byte of the body
TOTAL_SECONDS = 60.0
LINGER_SECONDS = 2.0  # for what a client still sends while it is told that it is refused
MAX_BODY_BYTES = 256 * 1024  # a task with all its texts at their limits, each character escaped
SMALL = 64 * 1024
QUICK_SECONDS = 1.0  # in which a small body comes from any honest client, but for the slowest of networks
HELD = 64 * 1024 * 1024
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}
READ = {b"content-length", b"transfer-encoding", b"content-encoding", b"content-type"}
# Lists of parameters: their parsers, Django's and REST framework's, take the square of the length.
PARAMETERS = {b"content-type", b"accept", b"accept-charset", b"accept-encoding", b"accept-language"}
MAX_PARAMETERS_BYTES = 1024  # of all of them together


class Refused(Exception):
    """A request whose body is not read; `headers` are added to the answer."""

    def __init__(self, status: int, code: str, detail: str, headers: Headers | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = headers or []


class ClientLeft(Exception):
    """The client has gone in the middle of its body."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a body may take.

    size: bytes of one body
    idle, total: seconds without a byte, and for all of them
    held: bytes of all bodies that are in memory together; beyond it large ones are refused, and what has come
        for longer than `quick` seconds makes room for small ones, which are always read while they are quick
    """

    size: int
    idle: float = IDLE_SECONDS
    total: float = TOTAL_SECONDS
    held: int = HELD
    quick: float = QUICK_SECONDS


class Body:
    """What has come of a body since `began`; `size` in bytes stays what it is, also once it was handed on.

    given_up: another needs its room
    """

    def __init__(self, began: float) -> None:
        # Not a list of parts: of a few bytes each, they would take many times as much.
        self._read = bytearray()
        self.size = 0
        self.began = began
        self.given_up = False
        self.timer = asyncio.timeout(None)

    def add(self, part: bytes) -> int:
        """The part's length."""
        self._read += part
        self.size += len(part)
        return len(part)

    def whole(self) -> bytes:
        """All of it, of which nothing is kept here: there is one copy of a body."""
        found = bytes(self._read)
        self.drop()
        return found

    def drop(self) -> None:
        self._read = bytearray()

    def give_up(self, now: float) -> None:
        self.given_up = True
        self.timer.reschedule(now)


class BodyReader:
    """Reads each request's body, and hands the request on to the application."""

    def __init__(self, application: ASGIApp, bounds: Bounds) -> None:
        self.application = application
        self.bounds = bounds
        self._held = 0
        self._coming: dict[Body, None] = {}  # the oldest first

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = Body(asyncio.get_running_loop().time())
        try:
            if not check_head(scope, self.bounds.size):
                await self.application(scope, receive, send)
                return
            await self._read(body, receive)
            await self.application(_with_length(scope, body.size), _replay(body.whole(), receive), send)
        except Refused as refusal:
            body.drop()
            await _refuse(scope, receive, send, refusal)
        except ClientLeft:
            pass
        finally:
            self._held -= body.size

    async def _read(self, body: Body, receive: Receive) -> None:
        self._coming[body] = None
        try:
            async with body.timer:
                await self._read_parts(body, receive)
        except TimeoutError:
            raise self._no_room() if body.given_up else self._too_slow() from None
        finally:
            del self._coming[body]

    async def _read_parts(self, body: Body, receive: Receive) -> None:
        clock = asyncio.get_running_loop().time
        ends = body.began + self.bounds.total
        more = True
        while more:
            if not body.given_up:
                body.timer.reschedule(min(ends, clock() + self.bounds.idle))
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientLeft
            self._held += body.add(message.get("body", b""))
            more = message.get("more_body", False)
            self._check_size(body, clock())

    def _check_size(self, body: Body, now: float) -> None:
        if body.size > self.bounds.size:
            raise too_large(self.bounds.size)
        if self._held <= self.bounds.held:
            return
        if body.size > SMALL:
            raise self._no_room()
        slow = next((each for each in self._coming if not each.given_up), body)
        if now - slow.began > self.bounds.quick:
            slow.give_up(now)

    def _no_room(self) -> Refused:
        detail = "many bodies are being read just now: send it again in a moment"
        return Refused(503, "unavailable", detail, [(b"retry-after", b"1")])

    def _too_slow(self) -> Refused:
        idle, total = self.bounds.idle, self.bounds.total
        detail = f"the body did not come: at most {idle:g} s pass without a byte, and {total:g} s altogether"
        return Refused(408, "request-timeout", detail)


def check_head(scope: dict[str, Any], most: int) -> bool:
    """Whether a body follows, by all that is known before it comes. Raises Refused."""
    if sum(len(value) for name, value in scope["headers"] if name in PARAMETERS) > MAX_PARAMETERS_BYTES:
        detail = f"expected Accept and Content-Type headers of at most {MAX_PARAMETERS_BYTES} bytes together"
        raise Refused(431, "request-header-fields-too-large", detail)
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in READ:
            found[name] = found[name] + b"," + value if name in found else value
    media_type = _media_type(found.get(b"content-type", b""))
    _check_framing(scope, found)
    length = found.get(b"content-length", b"0")
    if not length.isdigit():
        raise Refused(400, "bad-request", "Content-Length must be one whole number")
    if not length.strip(b"0") and b"transfer-encoding" not in found:
        return False
    if len(length) > 15 or int(length) > most:
        raise too_large(most)
    _check_encoding(found.get(b"content-encoding", b"").decode("latin-1"))
    _check_charset(media_type)
    return True


def _media_type(header: bytes) -> dict[str, str]:
    """The parameters of a Content-Type. Raises Refused."""
    try:
        return dict(parse_header_parameters(header.decode("latin-1"))[1])
    except ValueError:
        raise Refused(400, "bad-request", "Content-Type is malformed: expected type/subtype") from None


def _check_framing(scope: dict[str, Any], found: dict[bytes, bytes]) -> None:
    """Of two framings a proxy may have believed the other one: what follows would be another request."""
    coding = found.get(b"transfer-encoding")
    if coding is None:
        return
    if b"content-length" in found:
        raise Refused(400, "bad-request", "expected Content-Length or Transfer-Encoding, not both")
    if scope.get("http_version") == "1.0":
        raise Refused(400, "bad-request", "HTTP/1.0 has no Transfer-Encoding: send a Content-Length")
    if coding.strip().lower() != b"chunked":
        raise Refused(501, "not-implemented", "of the transfer codings only chunked is read")


def _check_encoding(codings: str) -> None:
    if any(coding.strip().lower() not in ("", "identity") for coding in codings.split(",")):
        detail = f"Content-Encoding {codings[:50]} is not read: send the body as it is (identity)"
        raise Refused(415, "unsupported-media-type", detail, [(b"accept-encoding", b"identity")])


def _check_charset(parameters: dict[str, str]) -> None:
    charset = parameters.get("charset", "utf-8")
    if charset.strip().lower() not in CHARSETS:
        detail = f"the charset {charset[:50]} is not read: send UTF-8"
        raise Refused(415, "unsupported-media-type", detail, [(b"accept-encoding", b"identity")])


def too_large(most: int) -> Refused:
    return Refused(413, "too-large", f"the body is too large: at most {most} bytes are read")


def _with_length(scope: dict[str, Any], length: int) -> dict[str, Any]:
    framing = (b"transfer-encoding", b"content-length", b"trailer")
    headers = [header for header in scope["headers"] if header[0] not in framing]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body first, and then what the server has to say."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> dict[str, Any]:
        return waiting.pop() if waiting else await receive()

    return replayed


async def _refuse(scope: dict[str, Any], receive: Receive, send: Send, refusal: Refused) -> None:
    """Answer, and close the connection: where the next request begins is not known.

    What the client still sends is read for a moment: a connection that is closed over unread bytes is reset,
    and the answer is lost with it.
    """
    why = shown(str(refusal))
    told = "refused the body of %s %s with %d: %s"
    _log.warning(refusal.code, told, scope["method"], shown(scope["path"]), refusal.status, why)
    body, media_type = answer_to(scope["path"], refusal.status, refusal.code, str(refusal))
    headers = [
        (b"connection", b"close"),
        *refusal.headers,
        *refusal_headers(scope["path"], scope["headers"]),
    ]
    start, whole = messages(scope, refusal.status, body, media_type, headers)
    await send(start)
    await send({**whole, "more_body": True})
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b"", "more_body": False})
