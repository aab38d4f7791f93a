"""Log handlers that never fail whoever logs: a log that cannot be written costs its lines and nothing else.

The handlers of the standard library raise where a file cannot be opened again, and that would reach the
request, the handler of the failed request, and the gateway's own clock.
"""

import errno
import io
import logging
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress


class SafeHandler(logging.Handler):
    """Formats without raising: in place of a record that cannot be, a line says where it is from."""

    def format(self, record: logging.LogRecord) -> str:
        try:
            return super().format(record)
        except Exception as failure:  # noqa: BLE001  whatever a value's own code raises
            where = f"{record.pathname}:{record.lineno}"
            told = _record("a log line of %s could not be formatted: %s", where, type(failure).__name__)
        try:
            return super().format(told)
        except Exception:  # noqa: BLE001  what goes into every line: the formatter, or what a request has bound
            return told.getMessage()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  logging's own name
        """Nothing: there is nobody else to tell."""


class LineWriter:
    """Whole lines to where there may be no room for them now.

    A line that is lost is counted, and the next one that is written says how many are missing.

    write: takes some of the bytes and says how many, or raises OSError; it never waits
    """

    def __init__(self, write: Callable[[bytes], int]) -> None:
        self._write = write
        self._missing = 0
        self._torn = False  # whether what was written ends in the middle of a line

    def put(self, line: str, format_record: Callable[[logging.LogRecord], str]) -> None:
        """Raises OSError where it is lost."""
        if self._missing:
            line = f"{format_record(_record('%d lines are missing before this one', self._missing))}\n{line}"
        rest = whole = f"{line}\n".encode("utf-8", "backslashreplace")
        if self._torn:
            rest = b"\n" + rest
        try:
            while rest:
                rest = rest[self._write(rest) :]
        finally:
            self._torn = bool(rest) and len(rest) != len(whole)  # in this line, or still in one before
        self._missing = 0

    def lose(self) -> None:
        """A line that could not be put."""
        self._missing += 1


class ConsoleLog(SafeHandler):
    """Standard error, as it is at the time of each line. While nobody reads it nobody waits for that."""

    def __init__(self) -> None:
        super().__init__()
        self._lines = LineWriter(_write_to_console)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put(self.format(record), self.format)
        except OSError:
            self._lines.lose()


class FileLog(SafeHandler):
    """A file, which is opened again where it was rotated away.

    While it cannot be written the console gets one line that says why. After it the file says how many lines
    it misses. A file that was moved is written to for as long as no other can be opened in its place.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._file: io.FileIO | None = None
        self._identity: tuple[int, int] | None = None
        self._told = False  # whether the console knows that it cannot be written
        self._lines = LineWriter(self._write)
        self._console = LineWriter(_write_to_console)

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        try:
            self._follow()
            self._lines.put(line, self.format)
        except OSError as failure:
            self._close()
            self._lines.lose()
            self._tell(failure)

    def close(self) -> None:
        self._close()
        super().close()

    def _write(self, data: bytes) -> int:
        assert self._file is not None
        written = self._file.write(data)
        if not written:  # a pipe whose reader is behind
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return written

    def _follow(self) -> None:
        """Be at the file that is at the path now. Raises OSError where there is nothing to write to."""
        if self._file is not None and _identity(self._path) == self._identity:
            self._told = False
            return
        try:
            opened = open_for_appending(self._path)
        except OSError as failure:
            if self._file is None or os.fstat(self._file.fileno()).st_nlink == 0:
                raise
            self._tell(failure)
            return
        self._close()
        self._file, self._identity = opened, _identity(opened.fileno())

    def _close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        self._file = None

    def _tell(self, failure: OSError) -> None:
        if not self._told:
            self._told = True
            told = _record("log file %s cannot be written: %s", self._path, failure.strerror or failure)
            with suppress(OSError):
                self._console.put(self.format(told), self.format)


def open_for_appending(path: str) -> io.FileIO:
    """Open a log file; a pipe without a reader is refused, and one whose reader is behind holds nobody up."""
    return open(path, "ab", buffering=0, opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK, 0o666)


def _identity(file: str | int) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116  also of a descriptor
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("devmentor.logs", logging.WARNING, __file__, 0, message, arguments, None)


def _write_to_console(data: bytes) -> int:
    """Some of it to standard error, if there is room now.

    Its descriptor is shared with other processes, so it cannot be told not to wait. Where it is ready, it
    takes PIPE_BUF bytes at once, unless another process takes that room in the same instant.
    """
    stream = sys.stderr
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError, AttributeError):  # a stream of Python's alone, closed, or not there at all
        with suppress(ValueError, AttributeError):
            stream.write(data.decode())
        return len(data)
    room = select.poll()
    room.register(descriptor, select.POLLOUT)
    if not room.poll(0):
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return os.write(descriptor, data[: select.PIPE_BUF])
