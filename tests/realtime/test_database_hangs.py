"""A database that says nothing while its connections live: an answer within a bound, and soon all is well."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from tests.support.api import Api, log_in
from tests.support.boards import Board
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.pgbouncer import PgBouncer
from tests.support.processes import eventually
from tests.support.sockets import Frame, Socket
from tests.support.stack import Templates

SILENCE_SECONDS = 20
LONGEST_ANSWER_SECONDS = SILENCE_SECONDS + 5 + 3  # one more connection may be tried, and a busy machine
BACK_SECONDS = 10
CROWD = 64
KEY = {"Idempotency-Key": "through-a-silence"}


class Rig:
    """A gateway, a board with an open socket, and that board's database by its own address."""

    def __init__(self, database: str, direct: str, folder: Path, resources: ExitStack) -> None:
        self.direct = direct
        self.gateway = resources.enter_context(Gateway({"DATABASE_URL": database}, folder))
        self.api = Api(self.gateway.http_url, log_in(self.gateway.http_url, OWNER))
        resources.callback(self.api.close)
        self.board = Board(self.api)
        self.socket = resources.enter_context(Socket(self.gateway.ws_url, token=self.api.token))
        self.socket.wait_for("hello")

    def write(self) -> httpx.Response:
        return self.api.post(f"{self.board.path}/tasks/", {"title": "Once"}, headers=KEY)

    def read(self) -> httpx.Response:
        return self.api.get(f"{self.board.path}/board/")

    def poll(self) -> httpx.Response:
        return self.api.get(f"{self.board.path}/events/")

    def join(self) -> Frame:
        return self.socket.request("project:join", {"projectId": self.board.id}, LONGEST_ANSWER_SECONDS)

    def assert_all_is_well(self) -> None:
        """The write that got no answer is done once, by whichever of its attempts; sockets hear of it."""
        written = eventually(lambda: succeeded(self.write()), BACK_SECONDS, "a write")
        assert written is not None
        assert [task["id"] for task in self.board.snapshot()["tasks"]] == [written.json()["id"]]
        assert self.join()["event"] == "ack"
        late = self.board.add_task("After it")
        self.socket.wait_for(lambda frame: frame["data"].get("id") == late["id"], BACK_SECONDS)
        assert [event["event"] for event in self.board.events()][-2:] == ["task:created"] * 2


class Crowd:
    """So many sockets that each join a board of their own: far more than the gateway has threads."""

    def __init__(self, rig: Rig, resources: ExitStack) -> None:
        created = [rig.api.post("/api/projects/", {"name": "One of many"}).json() for _ in range(CROWD)]
        self.boards = [board["id"] for board in created]
        self.sockets = [
            resources.enter_context(Socket(rig.gateway.ws_url, token=rig.api.token)) for _ in range(CROWD)
        ]
        for socket in self.sockets:
            socket.wait_for("hello")

    def join(self) -> None:
        self.asked_at = time.monotonic()
        for socket, board in zip(self.sockets, self.boards, strict=True):
            socket.send("project:join", {"projectId": board}, id="join")

    def assert_told(self) -> None:
        for socket in self.sockets:
            left = max(0.1, self.asked_at + LONGEST_ANSWER_SECONDS - time.monotonic())
            assert_refused(socket.wait_for(lambda frame: frame.get("id") == "join", left))


def succeeded(answer: httpx.Response) -> httpx.Response | None:
    return answer if answer.status_code < 500 else None


@pytest.fixture
def direct(templates: Templates) -> str:
    return templates.copy("distributed")


@pytest.fixture
def resources() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def test_while_a_pooler_hangs_everything_says_so_and_goes_on_with_it(
    direct: str, tmp_path: Path, resources: ExitStack
) -> None:
    parts = urlsplit(direct)
    assert parts.port
    pooler = resources.enter_context(PgBouncer(parts.port))
    rig = Rig(pooler.url(parts.path[1:]), direct, tmp_path, resources)
    crowd = Crowd(rig, resources)
    pooler.pause()
    try:
        crowd.join()
        responses, frame = answered(rig)
        crowd.assert_told()
        assert httpx.get(f"{rig.gateway.http_url}/ready", timeout=10).status_code == 503
    finally:
        pooler.resume()
    for response in responses:
        assert_unavailable(response)
    assert_refused(frame)
    rig.assert_all_is_well()
    assert "Traceback" not in rig.gateway.log.read_text()


def test_server_processes_that_hang_are_left_behind(
    direct: str, tmp_path: Path, resources: ExitStack
) -> None:
    """The server takes new connections meanwhile: all is well before the old ones go on, if they ever do."""
    rig = Rig(direct, direct, tmp_path, resources)
    with stopped_backends(rig):
        responses, _ = answered(rig)
        for response in responses:  # whoever found out first may have got a new connection in time
            if response.status_code not in (200, 201):
                assert_unavailable(response)
        rig.assert_all_is_well()
    assert_no_more_than_one(rig)


def assert_no_more_than_one(rig: Rig) -> None:
    """A process that goes on finds its client gone: it carries out nothing that has been done since."""
    eventually(lambda: not backends(rig.direct, "state = 'idle in transaction'"), BACK_SECONDS)
    assert [task["title"] for task in rig.board.snapshot()["tasks"]] == ["Once", "After it"]


@contextmanager
def stopped_backends(rig: Rig) -> Iterator[None]:
    """Each process of the server that a connection of the gateway has hangs, and none of the others."""
    found = backends(rig.direct, "pid <> pg_backend_pid()")
    assert found
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)


def backends(direct: str, condition: str) -> list[int]:
    query = f"SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND {condition}"
    with psycopg.connect(direct) as connection:
        return [pid for (pid,) in connection.execute(query)]


def answered(rig: Rig) -> tuple[list[httpx.Response], Frame]:
    """What a read, a write, a poll and a join get that are asked now, each within the bound."""
    begun = time.monotonic()
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(ask) for ask in (rig.read, rig.write, rig.poll)]
        joining = pool.submit(rig.join)
    assert time.monotonic() - begun < LONGEST_ANSWER_SECONDS
    return [each.result() for each in asked], joining.result()


def assert_refused(frame: Frame) -> None:
    assert (frame["event"], frame["data"]["code"]) == ("error", "internal")
    assert "try again" in frame["data"]["message"]


def assert_unavailable(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text[:500]
    assert int(answer.headers["retry-after"]) >= 1
