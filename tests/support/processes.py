"""Child processes that keep their log in a file, are waited for with a deadline and end with the tests."""

import contextlib
import ctypes
import fcntl
import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar
from weakref import WeakSet

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
POLL_SECONDS = 0.02
START_SECONDS = 10
_PR_SET_PDEATHSIG = 1  # prctl(2)
_PORTS = range(10_000, 32_000)  # below those that systems give to outgoing connections
_SHARE = 400
_locks: list[IO[str]] = []  # held until the process ends
_between_looks = threading.Event()  # never set: waiting on it is a pause


class NotReady(AssertionError):
    """A process ended or missed its deadline; the message carries the tail of its log."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free now.

    Of a share that no other process on this machine takes ports from: between the look and whoever listens
    there others start, and a gateway that is started again must find its port.
    """
    return next(filter(_is_free, _own_ports()))


@cache
def _own_ports() -> Iterator[int]:
    """The ports of a share that nobody else has; it is this process's for as long as that runs."""
    for first in _PORTS[::_SHARE]:
        lock = (Path(tempfile.gettempdir()) / f"devmentor-ports-{first}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
        else:
            _locks.append(lock)
            return itertools.cycle(range(first, first + _SHARE))
    raise RuntimeError(f"{len(_PORTS) // _SHARE} processes on this machine take ports for tests already")


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def eventually(look: Callable[[], T], seconds: float = 5, what: str = "the condition") -> T:
    """The first truthy answer of `look`; else an AssertionError that names `what` and the last answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s for {what}; the last look gave {answer!r}")
        _between_looks.wait(POLL_SECONDS)


class Server:
    """One child process, started at once. `with` waits until it is ready, and ends it.

    log: receives both of its output streams
    ready: whether it serves; where none is given it does from the start
    start_seconds: how long `wait_ready` waits for that
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        *,
        ready: Callable[[], bool] = lambda: True,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.name = Path(log).stem
        self.log = log
        self._command = command
        self._environment = None if environment is None else dict(environment)
        self._user = user
        self._ready = ready
        self._start_seconds = start_seconds
        self._bytes_read = self.log.stat().st_size if self.log.exists() else 0
        _servers.add(self)
        self.start()

    def __enter__(self) -> Self:
        return self.wait_ready()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process; again, once it has ended."""
        _unread.add(self)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_ready(self) -> Self:
        """Return once it serves. One that does not get there is killed, and NotReady shows its log."""
        try:
            self.wait_until(self._ready, self._start_seconds)
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Return once `condition` holds; raise NotReady when the process ends first or the time is up."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self.running:
                raise NotReady(f"{self.name} ended with {self.process.returncode}\n{self.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} was not ready after {seconds:g} s\n{self.tail()}")
            _between_looks.wait(POLL_SECONDS)

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 15) -> int:
        """Signal, wait with a bound, kill what is left; the exit status (negative: the signal's number)."""
        if self.running:
            self.process.send_signal(how)
            self.resume()  # one that a test has paused would not hear the signal
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """End it at once, as a crash of the machine would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """Stop it without ending it: connections stay open and nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def read_new(self) -> str:
        """What its log has grown by since this was last called; while it runs, in whole lines."""
        ended = not self.running
        try:
            if self.log.stat().st_size == self._bytes_read:
                return ""
            with self.log.open("rb") as log:
                log.seek(self._bytes_read)
                new = log.read()
        except FileNotFoundError:
            return ""
        if not ended:
            new = new[: new.rfind(b"\n") + 1]
        self._bytes_read += len(new)
        return new.decode("utf-8", "replace")

    def tail(self, lines: int = 40) -> str:
        """The end of its log, under a line that says whose it is."""
        written = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join([f"--- {self.name}, last lines of its log:", *written[-lines:]])


_servers: WeakSet[Server] = WeakSet()
_unread: set[Server] = set()  # whose logs may grow, or have since the last look
_commands: list[tuple[str, str]] = []  # what commands have written to standard error since then


def servers_that_wrote(since: float) -> list[Server]:
    """Those of this process's servers whose logs have grown since a moment of time.time()."""
    found = [server for server in _servers if server.log.exists() and server.log.stat().st_mtime >= since]
    return sorted(found, key=lambda server: server.name)


def read_new_output() -> list[tuple[str, str]]:
    """By name what servers and commands have written since the last call."""
    found = [*_commands]
    _commands.clear()
    for server in list(_unread):
        if not server.running:  # what it has written until now is all
            _unread.discard(server)
        if new := server.read_new():
            found.append((server.name, new))
    return found


def note_output(name: str, output: str) -> None:
    """Have `read_new_output` tell what a command has written."""
    if output:
        _commands.append((name, output))


def run(command: Sequence[str], environment: Mapping[str, str], seconds: float = 60) -> str:
    """Run a command to its end; its standard output, or an AssertionError with all it wrote."""
    done = subprocess.run(
        command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False
    )
    note_output(" ".join(command), done.stderr)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def manage(arguments: Sequence[str], environment: Mapping[str, str], seconds: float = 60) -> str:
    """`python manage.py …` in a process of its own; its standard output."""
    return run([sys.executable, "manage.py", *arguments], environment, seconds)


def _end_with_parent() -> None:
    """In the child: be told to end when the test run dies without its own cleaning up (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            os.kill(os.getpid(), signal.SIGTERM)
