"""HTTP/1.1 by hand: requests as bytes, however they are framed, and answers as they come."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import orjson

RECEIVED_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; the names of its headers are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)


class RawHttp:
    """One connection, from that address of this machine. `with` closes it."""

    def __init__(self, url: str, seconds: float = 15, source: str = "") -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        there = parts.hostname or "", parts.port or 80
        self.socket = socket.create_connection(there, seconds, (source, 0) if source else None)
        self._unread = b""

    def __enter__(self) -> "RawHttp":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, an interim one too; a ConnectionError where the server has closed."""
        while b"\r\n\r\n" not in self._unread:
            self._receive()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split()[1])
        empty = method == "HEAD" or status < 200 or status in (204, 304)
        return Answer(status, headers, b"" if empty else self._body(headers))

    def is_closed(self) -> bool:
        """Whether the server closes without saying anything more."""
        try:
            self._receive()
        except ConnectionError:
            return True
        return False

    def _body(self, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return self._take(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return self._rest()
        body = b""
        while size := int(self._line(), 16):
            body += self._take(size)
            self._take(2)
        self._line()
        return body

    def _rest(self) -> bytes:
        """All that comes until the server closes."""
        while not self.is_closed():
            pass
        return self._unread

    def _line(self) -> bytes:
        while b"\r\n" not in self._unread:
            self._receive()
        line, _, self._unread = self._unread.partition(b"\r\n")
        return line

    def _take(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._receive()
        taken, self._unread = self._unread[:count], self._unread[count:]
        return taken

    def _receive(self) -> None:
        found = self.socket.recv(RECEIVED_BYTES)
        if not found:
            raise ConnectionResetError("the server has closed")
        self._unread += found


def get(url: str, seconds: float = 5) -> Answer:
    """The answer to one GET; an OSError where none comes.

    For what is asked again and again: a client of httpx, whose context for TLS takes 45 ms of the processor
    each time, would keep what it waits for from its work.
    """
    with RawHttp(url, seconds) as http:
        http.send(head("GET", urlsplit(url).path, http.host))
        return http.answer()


def head(method: str, path: str, host: str, **headers: str) -> bytes:
    """A request's head; `content_type` names the header Content-Type."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunks(body: bytes, size: int = 7, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """The body in chunks of `size`, each with the extension, and the trailers behind the last."""
    parts: Iterable[bytes] = (body[at : at + size] for at in range(0, len(body), size))
    framed = (b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in parts)
    return b"".join(framed) + b"0\r\n" + trailers + b"\r\n"
