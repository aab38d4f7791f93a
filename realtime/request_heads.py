"""The heads of HTTP/1.1 requests: which are refused, and which ask for a WebSocket. Pure.

A head is the request line and the header lines (RFC 9112). Names of headers are in small letters here.
"""

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request

from realtime.cross_origin import refusal_headers
from realtime.problems import answer_to
from realtime.responses import content_headers

MAX_TARGET_BYTES = 16_384
MAX_HEAD_BYTES = 65_536  # of a target, header lines, and the trailers of a body, together
MAX_HEADER_LINES = 256
SEPARATORS = 4  # of a header line: a colon, a space, and the end of the line
VERSIONS = {"0.9", "1.0", "1.1"}
_PATH = re.compile(rb"[/?]")  # what a path begins with, or a query in its place
SCHEMES = {b"http", b"https", b"ws", b"wss"}
WEBSOCKET_VERSION = b"13"
CODES = {503: "unavailable"}  # where the word for programs is not that of the status
# What the parser of WebSockets needs to answer a handshake, beside what has been looked at already.
HANDSHAKE_HEADERS = {
    b"origin",
    b"sec-websocket-extensions",
    b"sec-websocket-key",
    b"sec-websocket-protocol",
    b"sec-websocket-version",
}

HeaderList = list[tuple[bytes, bytes]]


class Reading(Enum):
    """What the next bytes belong to."""

    IDLE = auto()  # the next request, none of which has come yet
    HEAD = auto()
    BODY = auto()  # with its trailers
    HANDSHAKE = auto()  # a WebSocket, once what was asked before is answered
    NOTHING = auto()  # a request was refused, or another protocol reads


@dataclass(eq=False)
class RefusedRequest(Exception):
    """A request that reaches no application: it is answered with `status` and a reason, and closed."""

    status: int
    detail: str
    headers: HeaderList = field(default_factory=list)

    @property
    def code(self) -> str:
        """The word for programs, of the status: "bad-request"."""
        return CODES.get(self.status) or HTTPStatus(self.status).phrase.lower().replace(" ", "-")

    def answer(self, target: bytes, asked: HeaderList, is_head: bool) -> bytes:
        """The whole answer to a request of that target and those headers; of one by HEAD without its body."""
        path = target.partition(b"?")[0].decode("latin-1")
        body, media_type = answer_to(path, self.status, self.code, self.detail)
        own = [(b"connection", b"close"), *self.headers, *refusal_headers(path, asked)]
        headers = [*content_headers(len(body), media_type), *own]
        first = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}\r\n".encode()
        lines = (b"%b: %b\r\n" % header for header in headers)
        return b"".join([first, *lines, b"\r\n", b"" if is_head else body])


def check_size(target: bytes, headers: HeaderList, unfinished: int = 0) -> None:
    """Of what has come so far; `unfinished`: bytes of a line that is not complete. Raises RefusedRequest."""
    if len(target) > MAX_TARGET_BYTES:
        raise RefusedRequest(414, f"expected a target of at most {MAX_TARGET_BYTES} bytes")
    if len(headers) > MAX_HEADER_LINES:
        raise RefusedRequest(431, f"expected at most {MAX_HEADER_LINES} header lines")
    lines = sum(len(name) + len(value) + SEPARATORS for name, value in headers)
    if len(target) + lines + unfinished > MAX_HEAD_BYTES:
        raise RefusedRequest(431, f"expected a target and header lines of at most {MAX_HEAD_BYTES} bytes")


def origin_form(method: str, target: bytes, headers: HeaderList) -> bytes:
    """The target as a path with its query, or `*`. The host of a whole address takes the place of Host.

    RFC 9112, section 3.2. Raises RefusedRequest.
    """
    if sum(name == b"host" for name, _ in headers) > 1:
        raise RefusedRequest(400, "expected one Host header, got several")
    if b"#" in target:
        raise RefusedRequest(400, "the target of a request has no fragment")
    if target.startswith(b"/"):
        return target
    if target == b"*" and method == "OPTIONS":
        return target
    scheme, _, rest = target.partition(b"://")
    host = _PATH.split(rest, maxsplit=1)[0]
    if method == "CONNECT" or scheme.lower() not in SCHEMES or not host or b"@" in host:
        raise RefusedRequest(400, "expected a path or an http address without a user as the target")
    headers[:] = [(b"host", host), *(header for header in headers if header[0] != b"host")]
    path = rest[len(host) :]
    if not path and method == "OPTIONS":
        return b"*"
    return path if path.startswith(b"/") else b"/" + path


def asks_for_websocket(method: str, version: str, headers: HeaderList) -> bool:
    """Of a request with an Upgrade that its Connection names. Any other offer to upgrade is ignored.

    So is an offer in HTTP/1.0 or with another method (RFC 9110, section 7.8; RFC 6455, section 4.2.1).
    """
    offered = b",".join(value for name, value in headers if name == b"upgrade")
    names = {name.strip() for name in offered.lower().split(b",")}
    return method == "GET" and version == "1.1" and b"websocket" in names


def without_upgrade(method: str, target: bytes, version: str, headers: HeaderList) -> bytes:
    """The head of the same request without its offer to upgrade."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] != b"upgrade"]
    return b"".join([f"{method} ".encode(), target, f" HTTP/{version}\r\n".encode(), *lines, b"\r\n"])


def handshake(target: bytes, headers: HeaderList) -> Request:
    """A handshake as the parser of WebSockets would have read it. Raises RefusedRequest."""
    versions = [value for name, value in headers if name == b"sec-websocket-version"]
    if versions != [WEBSOCKET_VERSION]:
        detail = f"expected Sec-WebSocket-Version: {WEBSOCKET_VERSION.decode()}"
        wanted = [(b"upgrade", b"websocket"), (b"sec-websocket-version", WEBSOCKET_VERSION)]
        raise RefusedRequest(426, detail, wanted)
    for name, value in headers:
        if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
            raise RefusedRequest(400, "a WebSocket handshake has no body")
    lines = [(name.decode(), value.decode("latin-1")) for name, value in headers if name in HANDSHAKE_HEADERS]
    return Request(target.decode(), Headers([("Connection", "Upgrade"), ("Upgrade", "websocket"), *lines]))
