"""The gateway, as an operator starts it, on PostgreSQL and Redis."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
import psycopg

from benchmarks.fan.crowd import Script
from benchmarks.fan.payload import FIRST_NUMBER, SAMPLE_ROOM, Template, compact, publish, template
from benchmarks.fan.rig import Rig
from benchmarks.fan.stacks import Running, Stack, heard
from tests.support.api import Api, bearer, log_in
from tests.support.boards import Board
from tests.support.people import OWNER
from tests.support.processes import free_port, run

START_SECONDS = 30
SLACK_SECONDS = 20  # what a writer may take beyond the time that its events take
WRITER = (sys.executable, "-m", "benchmarks.fan.writer")


@dataclass(frozen=True, slots=True)
class BoardWriter:
    """Appends events to one board, by the service's own code."""

    board: str
    settings: Mapping[str, str]

    def continue_after(self, number: int) -> None:
        """Set the room's head there, its log empty: so far events were rung for and never written."""
        with psycopg.connect(self.settings["DATABASE_URL"]) as connection:
            connection.execute("DELETE FROM realtime_event WHERE room LIKE 'project:%'")
            connection.execute("UPDATE realtime_roomhead SET seq = %s, trimmed = %s", (number, number))

    def commit(self, rate: float, count: int) -> dict[str, Any]:
        command = [*WRITER, "commit", self.board, str(rate), str(count)]
        told: dict[str, Any] = json.loads(run(command, self.settings, count / rate + SLACK_SECONDS))
        return told


class Gateway(Stack):
    """`manage.py gateway` on one of its servers. Its database is made when it is first started."""

    def __init__(self, rig: Rig, server: str) -> None:
        super().__init__(rig, f"devmentor-{server}")
        self._server = server
        self._board = ""

    @cached_property
    def settings(self) -> dict[str, str]:
        address = self.rig.postgres.create(self.name.replace("-", "_"))
        settings = self.rig.environment(DATABASE_URL=address, ALLOWED_HOSTS="127.0.0.1")
        run([sys.executable, "-m", "tests.support.seed"], settings)
        return settings

    @cached_property
    def template(self) -> Template:
        """What `realtime.broadcast` publishes, as heard on Redis: so it follows the code."""
        channel, message = heard(self.rig, lambda: run([*WRITER, "sample"], self.settings))
        return template(publish(channel, message))

    def start(self) -> Running:
        template = self.template  # before there is a gateway, which must not hear the sample
        port = free_port()
        program = "benchmarks.fan.trusting_gateway"
        command = [sys.executable, "-m", program, "gateway", "--host", "127.0.0.1", "--port", str(port)]
        settings = {**self.settings, "DJANGO_SETTINGS_MODULE": "devmentor.settings"}
        server = self.launch([*command, "--web-port", "0", "--server", self._server], settings)
        url = f"http://127.0.0.1:{port}"
        server.wait_until(lambda: _answers(f"{url}/ready"), START_SECONDS)
        token = log_in(url, OWNER)
        self._board = self._board or Board(Api(url, token)).id
        writer = BoardWriter(self._board, self.settings)
        writer.continue_after(FIRST_NUMBER - 1)  # numbers have ten digits from the first on
        raw = template.bytes.replace(SAMPLE_ROOM.encode(), self._board.encode())
        return Running(
            server,
            script(port, token, self._board),
            self.rig.redis.port,
            Template(raw, template.patches),
            writer=writer,
        )


def script(port: int, token: str, board: str) -> Script:
    join = {"id": 1, "event": "project:join", "data": {"projectId": board}}
    return Script(
        port,
        "/",
        headers=bearer(token),
        says=(('{"event":"hello"', compact(join)),),
        greeting='"event":"hello"',
        joining='"event":"ack"',
    )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
