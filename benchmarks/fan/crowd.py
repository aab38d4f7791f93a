"""The crowd of clients (client/crowd.c): compiled, started, told what to do."""

import json
import os
import selectors
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fan.payload import FIRST_NUMBER, Template
from tests.support.processes import run

HERE = Path(__file__).parents[1]
SOURCES = HERE / "client"
PROGRAM = HERE / "build" / "crowd"
INFLIGHT = 100  # handshakes at the same time
REST_US = 100  # see crowd.c: between two looks at what is ready
SLACK_SECONDS = 15  # what an answer may take beyond the time that its command was given

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Script:
    """What each client does: the upgrade, then what it says after which text begins how.

    greeting, joining: a part of the text by which it counts as greeted, as joined; empty: the upgrade, the
        greeting
    """

    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    says: tuple[tuple[str, str], ...] = ()
    greeting: str = ""
    joining: str = ""

    @property
    def request(self) -> bytes:
        lines = [
            f"GET {self.path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class CrowdError(RuntimeError):
    """The crowd could not do what it was told."""


def compile_crowd() -> None:
    """Compile it where it is older than its sources."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    newest = max(source.stat().st_mtime for source in sources)
    if PROGRAM.exists() and PROGRAM.stat().st_mtime >= newest:
        return
    PROGRAM.parent.mkdir(exist_ok=True)
    files = [str(source) for source in sources if source.suffix == ".c"]
    run(["cc", "-O2", "-Wall", "-Wextra", "-o", str(PROGRAM), *files], os.environ)


class Crowd:
    """One process. Each method waits for its answer, within a bound."""

    def __init__(self, rest_us: int = REST_US) -> None:
        compile_crowd()
        self._process = subprocess.Popen(
            [str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._unread = b""
        self._do("rest", rest_us)

    def stop(self) -> None:
        for end in (self._process.stdin, self._process.stdout):
            assert end is not None
            end.close()
        self._process.kill()
        self._process.wait()

    def set_script(self, script: Script, join: bool = True) -> None:
        """Without `join` a client stays once it is greeted, as far as it must speak to get there."""
        self._do("server", "127.0.0.1", script.port)
        self._do("request", script.request.hex())
        self._do("greeting", script.greeting)
        if join:
            self._do("joining", script.joining)
        for expected, text in script.says[: None if join else -1]:
            self._do("say", expected, text)

    def connect(self, count: int, first: int = FIRST_NUMBER, seconds: float = 60) -> Report:
        return self._ask(seconds, "connect", count, INFLIGHT, first, seconds)

    def set_feed(self, port: int, template: Template) -> None:
        self._do("feed", "127.0.0.1", port)
        self._do("template", template.bytes.hex())
        for offset, kind in template.patches:
            self._do("patch", offset, kind)

    def loop(self, window: int, warmup: float, seconds: float) -> tuple[Report, Report]:
        """A closed loop with `window` events under way: the time measured, and what came after it."""
        report = self._ask(warmup + seconds, "loop", window, warmup, seconds)
        return report, self._answer(0)

    def pace(self, rate: float, count: int, patience: float) -> Report:
        """`count` events, `rate` a second; `patience` in seconds for those that are late at the end."""
        return self._ask(count / rate + patience, "pace", rate, count, patience)

    def watch(self, count: int, seconds: float) -> None:
        """Begin to count what somebody else publishes; `watched` gives the report."""
        self._ask(0, "watch", seconds, count)

    def watched(self, seconds: float) -> Report:
        return self._answer(seconds)

    def state(self) -> Report:
        return self._ask(0, "state")

    def close(self) -> None:
        self._ask(0, "close")

    def _do(self, *words: object) -> None:
        if not self._ask(0, *words)[str(words[0])]:
            raise CrowdError(f"the crowd could not: {' '.join(map(str, words))[:200]}")

    def _ask(self, seconds: float, *words: object) -> Report:
        assert self._process.stdin is not None
        self._process.stdin.write(("\t".join(map(str, words)) + "\n").encode())
        return self._answer(seconds)

    def _answer(self, seconds: float) -> Report:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not ready.select(seconds + SLACK_SECONDS):
                    raise CrowdError("the crowd does not answer")
                got = self._process.stdout.read(65536)
                if not got:
                    raise CrowdError(f"the crowd ended with {self._process.wait()}")
                self._unread += got
        line, _, self._unread = self._unread.partition(b"\n")
        found: Report = json.loads(line)
        return found
