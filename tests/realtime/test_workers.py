"""`gateway --workers N`: several processes on one port that count, audit and drain as one."""

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from prometheus_client import Gauge

from realtime import metrics
from realtime.protocol import CloseCode
from realtime.server import listen
from realtime.workers import Supervisor
from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.engineio import path, websocket
from tests.support.environment import environment
from tests.support.metrics import read_metric, read_metrics
from tests.support.people import OWNER
from tests.support.processes import ROOT, Server, eventually, free_port, manage
from tests.support.redis import Redis
from tests.support.sockets import Socket
from tests.support.stack import Templates

WORKERS = 2


class Machine:
    """A gateway of two workers on PostgreSQL and Redis."""

    def __init__(self, templates: Templates, folder: Path) -> None:
        self.port = free_port()
        self.url, self.ws_url = f"http://127.0.0.1:{self.port}", f"ws://127.0.0.1:{self.port}/"
        self.redis = Redis()
        self.settings = {
            "DATABASE_URL": templates.copy("distributed"),
            "REDIS_URL": self.redis.url,
            "PORT": str(self.port),
            "DRAIN_WINDOW": "500",
        }
        listen = ["--host", "127.0.0.1", "--web-port", "0", "--port", str(self.port)]
        self.process = Server(
            [sys.executable, str(ROOT / "manage.py"), "gateway", "--workers", str(WORKERS), *listen],
            log=folder / "workers.log",
            environment=environment(self.settings),
            ready=lambda: "with 2 workers" in self.process.tail(),
            start_seconds=40,
        )
        self.process.wait_ready()
        self.token = log_in(self.url, OWNER)
        self.api = Api(self.url, self.token)

    def stop(self) -> None:
        self.api.close()
        self.process.stop()
        self.redis.stop()

    def value(self, series: str) -> float:
        return read_metric(self.url, series)

    def instances(self) -> set[str]:
        return {
            series.split('"')[1] for series in read_metrics(self.url) if series.startswith("gateway_info{")
        }

    def sockets_on_both(self, open_until_then: ExitStack) -> list[Socket]:
        """As many sockets as it takes until each worker has one: the kernel shares them out."""
        sockets: list[Socket] = []
        seen: set[str] = set()
        while len(seen) < WORKERS:
            assert len(sockets) < 40, f"all of 40 sockets are on {seen}"
            sockets.append(open_until_then.enter_context(Socket(self.ws_url, token=self.token)))
            seen.add(sockets[-1].wait_for("hello")["data"]["instance"])
        return sockets


@pytest.fixture
def machine(templates: Templates, tmp_path: Path) -> Iterator[Machine]:
    started = Machine(templates, tmp_path)
    yield started
    started.stop()


def test_workers_count_and_hear_as_one_and_a_dead_one_is_replaced(machine: Machine) -> None:
    board = Board(machine.api)
    with ExitStack() as resources:
        sockets = machine.sockets_on_both(resources)
        for one in sockets:
            one.join(board.id)
        board.add_task("Heard on both")
        for one in sockets:
            assert one.wait_for("task:created")["data"]["title"] == "Heard on both"
        eventually(
            lambda: machine.value("websocket_connections") == len(sockets), what="all sockets to be counted"
        )
        created = 'websocket_messages_total{direction="out",event="task:created"}'
        eventually(lambda: machine.value(created) == len(sockets), what="each delivery to be counted once")
        assert machine.value("process_resident_memory_bytes") > WORKERS * 30e6
        audited = manage(["audit_connections"], environment(machine.settings))
        assert f"{len(sockets)} connections" in audited

        before = machine.instances()
        assert len(before) == WORKERS
        victim = sockets[-1]
        instance = next(f["data"]["instance"] for f in victim.frames if f["event"] == "hello")
        os.kill(pid_of(instance), signal.SIGKILL)
        victim.wait_closed()
        eventually(
            lambda: len(machine.instances() - before) == 1 and instance not in machine.instances(),
            seconds=60,
            what="a new worker in the place of the dead one",
        )
        with Socket(machine.ws_url, token=machine.token) as late:
            late.join(board.id)
            board.add_task("Heard after it, too")
            late.wait_for("task:created")


def test_a_drain_reaches_the_sockets_of_every_worker(machine: Machine) -> None:
    """Workers get the signal of a terminal that is closed twice: from it, and from their supervisor."""
    with ExitStack() as resources:
        sockets = machine.sockets_on_both(resources)
        for pid in {machine.process.process.pid, *map(pid_of, machine.instances())}:
            os.kill(pid, signal.SIGHUP)
        for one in sockets:
            one.wait_for("system:draining")
            assert one.wait_closed() == CloseCode.RESTART
    assert machine.process.process.wait(timeout=20) == 0
    assert "Traceback" not in machine.process.tail()


def test_workers_drain_and_end_where_their_supervisor_was_killed(machine: Machine) -> None:
    """Else nobody could stop them, nor start a gateway on their port."""
    with ExitStack() as open_until_then:
        sockets = machine.sockets_on_both(open_until_then)
        machine.process.kill()
        assert {socket.wait_closed() for socket in sockets} == {CloseCode.RESTART}

    def is_free() -> bool:
        with suppress(OSError):
            listen("127.0.0.1", machine.port).close()
            return True
        return False

    eventually(is_free, 10, "the port to be free for the next gateway")


def test_socketio_is_told_to_begin_with_a_websocket(machine: Machine) -> None:
    """Each request of a session by polling would reach another worker, and hear of no such session."""
    refused = httpx.get(f"{machine.url}{path()}", timeout=10)
    assert refused.status_code == 400
    assert 'transports: ["websocket"]' in refused.json()["message"]
    with websocket(machine.url) as opened:
        assert str(opened.recv(5)).startswith("0{")


def test_gauges_of_workers_are_true(machine: Machine) -> None:
    """Whether they hear each other is said by each of them, while all is well and while it is not."""
    healthy, age = "websocket_bell_healthy", "websocket_canary_age_seconds"
    eventually(lambda: machine.value(healthy) == 1, seconds=10, what="the channel layer to be heard")
    eventually(lambda: 0 < machine.value(age) < 3, what="the age of the last canary")
    machine.redis.server.pause()
    eventually(lambda: machine.value(healthy) == 0, seconds=15, what="its silence to be noticed")
    eventually(lambda: machine.value(age) > 3, what="the age of the last canary to grow")
    machine.redis.server.resume()
    eventually(lambda: machine.value(healthy) == 1, seconds=15, what="the channel layer to be heard again")


def test_every_gauge_is_a_value_that_workers_can_share() -> None:
    """A function is called in its own process only; of mode "all" there is a series for each worker."""
    gauges = [each for each in vars(metrics).values() if isinstance(each, Gauge)]
    assert len(gauges) >= 7
    assert {each._multiprocess_mode for each in gauges} <= {"livesum", "livemin", "livemax"}
    sources = (ROOT / package for package in ("realtime", "devmentor", "projects"))
    files = [file for source in sources for file in source.rglob("*.py")]
    assert [file.name for file in files if ".set_function(" in file.read_text()] == []


WORKER = "import os, sys, time; os.write(int(sys.argv[-1].partition('=')[2]), b'.'); time.sleep(60)"
SUPERVISOR = """
import sys
from realtime.workers import Supervisor
command = ["-c", sys.argv[1]]
tell = lambda line: print(line, flush=True)
sys.exit(Supervisor(command, 2, lambda: [], started=lambda: tell("started"), tell=tell).run())
"""


def test_a_supervisor_that_can_start_nothing_keeps_its_workers_and_tries_again(tmp_path: Path) -> None:
    """Here it has no descriptor left, by a limit of the system; it may as well have no memory."""
    supervisor = Server([sys.executable, "-c", SUPERVISOR, WORKER], tmp_path / "supervisor.log")
    try:
        supervisor.wait_until(lambda: "started" in supervisor.tail(), 10)
        pid = supervisor.process.pid
        first, second = children_of(pid)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        os.kill(first, signal.SIGKILL)
        supervisor.wait_until(lambda: "could not be started" in supervisor.tail(), 10)
        assert children_of(pid) == [second]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        supervisor.wait_until(lambda: len(children_of(pid)) == WORKERS, 10)
        assert second in children_of(pid)
    finally:
        assert supervisor.stop() == 0


ANSWERING = """
import os, signal, socket, sys
given = dict(word.split("=") for word in sys.argv[1:])
folder = given["--folder"]
if os.path.exists(f"{folder}/broken"):
    sys.exit(3)
leaves = not os.path.exists(f"{folder}/one")
open(f"{folder}/one", "w").close()
# A handler of Python's could not interrupt the wait for a connection that begins as the signal comes.
signal.signal(signal.SIGTERM, signal.SIG_DFL if leaves else signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_DFL)
listener = socket.socket(fileno=int(given["--fd"]))
listener.setblocking(True)
listener.listen()
os.write(int(given["--ready-fd"]), b".")
while True:
    with listener.accept()[0] as connection:
        connection.sendall(b"answered")
"""
LISTENING = """
import socket, sys
from realtime.workers import Supervisor
command = ["-c", sys.argv[1], f"--folder={sys.argv[3]}"]
tell = lambda line: print(line, flush=True)
def listeners():
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    found.bind(("127.0.0.1", int(sys.argv[2])))
    return [found]
sys.exit(Supervisor(command, 2, listeners, started=lambda: tell("started"), tell=tell).run())
"""


class Answering:
    """A supervisor of two workers that answer whoever connects; `broken` ones do not start again."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        command = [sys.executable, "-c", LISTENING, ANSWERING, str(self.port), str(folder)]
        self.server = Server(command, folder / "supervisor.log")
        self.server.wait_until(lambda: "started" in self.server.tail(), 10)
        self.pid = self.server.process.pid

    def assert_answers(self) -> None:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                assert connection.recv(100) == b"answered"


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Answering]:
    found = Answering(tmp_path)
    yield found
    assert found.server.stop(signal.SIGINT) == 0


def test_who_connects_during_a_drain_is_answered_by_a_worker_that_still_serves(answering: Answering) -> None:
    """The kernel shares connections out to all who listen: also to what has nobody left behind it."""
    assert len(children_of(answering.pid)) == WORKERS
    os.kill(answering.pid, signal.SIGTERM)
    answering.server.wait_until(lambda: len(children_of(answering.pid)) == 1, 10)
    answering.assert_answers()


def test_who_connects_while_a_worker_cannot_start_is_answered_by_the_others(answering: Answering) -> None:
    """A share of all connections hung, for as long as nobody looked; a probe said yes or no by chance."""
    (answering.folder / "broken").touch()
    os.kill(children_of(answering.pid)[0], signal.SIGKILL)
    answering.server.wait_until(lambda: "has ended with status -9" in answering.server.tail(), 10)
    answering.assert_answers()
    answering.server.wait_until(lambda: "has ended with status 3" in answering.server.tail(), 10)
    answering.assert_answers()
    (answering.folder / "broken").unlink()
    answering.server.wait_until(lambda: len(children_of(answering.pid)) == WORKERS, 20)
    answering.assert_answers()


def test_nobody_connects_to_a_worker_that_does_not_serve_yet() -> None:
    """They would wait for as long as it takes to start; a proxy without health checks sends them there."""
    port = free_port()
    first, second = (listen("127.0.0.1", port, shared=True) for _ in range(2))
    with first, second:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=2)
        first.listen()  # as asyncio does for a worker that serves
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                first.setblocking(True)
                first.accept()[0].close()


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def pid_of(instance: str) -> int:
    return int(instance.split("-")[-2])


def test_workers_that_would_not_hear_each_other_are_refused(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "REDIS_URL": ""}
    said = refused(["gateway", "--workers", "2", "--port", str(free_port())], settings)
    assert "--workers needs REDIS_URL" in said


def test_a_port_in_use_is_refused_although_workers_share_theirs(tmp_path: Path) -> None:
    """A second gateway beside the first would get half of its clients, in silence."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3", "REDIS_URL": "redis://127.0.0.1:1"}
        said = refused(["gateway", "--workers", "2", "--host", "127.0.0.1", "--port", str(port)], settings)
    assert f"cannot listen on 127.0.0.1 port {port}" in said


def test_a_worker_that_cannot_start_ends_the_gateway() -> None:
    told: list[str] = []
    supervisor = Supervisor(["-c", "raise SystemExit(3)"], WORKERS, list, lambda: None, told.append)
    assert supervisor.run() == 1
    assert "ended with status 3 before it served" in told[0]
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def refused(arguments: list[str], settings: dict[str, str]) -> str:
    """What a command says that ends with one line on standard error."""
    ended = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr
