"""Several gateway processes behind the same ports: started, watched, started again, and ended together.

Each worker has listening sockets of its own on each port (SO_REUSEPORT), so that the kernel shares new
connections out evenly. They are its alone: none listens before its worker serves, and none is left once that
has ended, so nobody waits for a worker that is not there, and the others serve who comes.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from realtime.exposition import SHARED_FOLDER

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
SUPERVISED = "GATEWAY_SUPERVISED"  # in the environment of a worker
RESTART_SECONDS = 1.0
LONGEST_RESTART_SECONDS = 30.0
STEADY_SECONDS = 30.0  # one that has lived so long is started again without a longer wait
LOOK_SECONDS = 0.1


@dataclass(eq=False, slots=True)
class Worker:
    """One gateway process. `ready` is readable once it serves; `wait` is how long its next start waits."""

    process: subprocess.Popen[bytes] | None = None
    ready: int = -1
    serving: bool = False
    started_at: float = 0.0
    start_at: float = 0.0
    wait: float = RESTART_SECONDS

    def look(self) -> None:
        """See whether it serves by now."""
        if not self.serving and self.ready >= 0:
            try:
                self.serving = bool(os.read(self.ready, 1))
            except BlockingIOError:
                return
            self.forget_pipe()

    def forget_pipe(self) -> None:
        if self.ready >= 0:
            os.close(self.ready)
            self.ready = -1


class Supervisor:
    """Runs `command` in so many workers, with `--fd` for each of the sockets that `listen` makes for it.

    started: called once all of them serve
    tell: takes a line about a worker that has ended
    """

    def __init__(
        self,
        command: Sequence[str],
        workers: int,
        listen: Callable[[], Sequence[socket.socket]],
        started: Callable[[], None],
        tell: Callable[[str], None],
    ) -> None:
        self._command = command
        self._workers = [Worker() for _ in range(workers)]
        self._listen = listen
        self._started: Callable[[], None] | None = started
        self._tell = tell
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-metrics-"))
        # Its end for writing is closed with this process, however it ends, and its workers end then.
        self._alive, self._life = os.pipe()
        self._ending = False
        self._status = 0

    def run(self) -> int:
        """Until a signal, which every worker gets; the exit status: 1 where one ended before it served."""
        ignored = {sig for sig in SIGNALS if signal.getsignal(sig) is signal.SIG_IGN}  # SIGHUP under nohup
        awaited = SIGNALS - ignored
        before = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
        try:
            while not self._ending or any(worker.process for worker in self._workers):
                self._look()
                seen = signal.sigtimedwait(awaited, LOOK_SECONDS if self._started else 1.0)
                if seen is not None and seen.si_signo != signal.SIGCHLD:
                    self._end(signal.Signals(seen.si_signo))
        finally:
            self._end(signal.SIGKILL)
            shutil.rmtree(self._folder, ignore_errors=True)
            os.close(self._alive)
            os.close(self._life)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._status

    def _look(self) -> None:
        for worker in self._workers:
            worker.look()
            if worker.process is not None and worker.process.poll() is not None:
                self._bury(worker, worker.process)
            if worker.process is None and not self._ending and time.monotonic() >= worker.start_at:
                try:
                    self._start(worker)
                except (OSError, subprocess.SubprocessError) as failure:  # no descriptor, process or memory
                    self._start_later(worker, f"a worker could not be started ({failure})")
        if self._started is not None and all(worker.serving for worker in self._workers):
            with suppress(OSError, ValueError):
                self._started()
            self._started = None

    def _start(self, worker: Worker) -> None:
        with ExitStack() as own:
            listeners = [own.enter_context(listener) for listener in self._listen()]
            self._start_with(worker, [listener.fileno() for listener in listeners])
        worker.serving, worker.started_at = False, time.monotonic()

    def _start_with(self, worker: Worker, descriptors: Sequence[int]) -> None:
        worker.ready, told = os.pipe()
        os.set_blocking(worker.ready, False)
        inherited = [f"--fd={descriptor}" for descriptor in descriptors]
        try:
            worker.process = subprocess.Popen(  # noqa: S603  the command of this very process
                [
                    sys.executable,
                    *self._command,
                    *inherited,
                    f"--alive-fd={self._alive}",
                    f"--ready-fd={told}",
                ],
                pass_fds=[*descriptors, told, self._alive],
                env={**os.environ, SHARED_FOLDER: str(self._folder), SUPERVISED: "true"},
                preexec_fn=_hear_signals,
            )
        finally:
            os.close(told)

    def _bury(self, worker: Worker, process: "subprocess.Popen[bytes]") -> None:
        worker.process = None
        mark_process_dead(process.pid, str(self._folder))  # type: ignore[no-untyped-call]
        self._start_later(worker, f"worker {process.pid} has ended with status {process.returncode}")

    def _start_later(self, worker: Worker, why: str) -> None:
        """Unless the gateway ends. It also ends where a worker has not served at the first start."""
        worker.forget_pipe()
        if self._ending:
            return
        if self._started is not None:
            self._say(f"{why} before it served: see above for why")
            self._status = 1
            self._end(signal.SIGTERM)
            return
        steady = time.monotonic() - worker.started_at > STEADY_SECONDS
        worker.wait = RESTART_SECONDS if steady else min(2 * worker.wait, LONGEST_RESTART_SECONDS)
        worker.start_at = time.monotonic() + worker.wait
        self._say(f"{why}: the next starts in {worker.wait:.0f} s")

    def _say(self, line: str) -> None:
        """Whoever cannot be told, a terminal that is gone, must not cost the workers."""
        with suppress(OSError, ValueError):
            self._tell(line)

    def _end(self, with_signal: signal.Signals) -> None:
        """A second signal reaches them, too: who drains then stops at once."""
        self._ending = True
        for worker in self._workers:
            if worker.process is not None and worker.process.poll() is None:
                worker.process.send_signal(with_signal)


def end_with_supervisor(alive: int) -> None:
    """In a worker: stop, as by SIGTERM, once its supervisor is no more. `alive` is the descriptor it gave."""

    def wait() -> None:
        os.read(alive, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="supervisor", daemon=True).start()


def _hear_signals() -> None:
    """A process inherits which signals are blocked."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
