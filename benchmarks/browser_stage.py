"""What `browser_board` looks at: PostgreSQL, Redis, one gateway as in operation, a writer, and Chromium."""

import json
import re
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import httpx

from benchmarks.browser_devtools import Chromium, Window
from tests.support.console import Console
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import OWNER
from tests.support.postgres import Postgres
from tests.support.redis import Redis
from tests.support.stack import seed

PROBE = Path(__file__).with_name("browser_probe.js")
WINDOW = (1440, 900)
PROCESSORS = Path("/proc/stat")
QUIET = 0.85  # of the processors' time idle
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 120


class Stage:
    """Everything runs once it is made; leaving the `with` block stops it."""

    def __init__(self, tasks: int, slower: float = 1, size: tuple[int, int] = WINDOW) -> None:
        """`slower`: by how much the pages' processor is slowed down."""
        self.tasks = tasks
        self._slower = slower
        self._size = size
        self._open = ExitStack()
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise

    def _start(self) -> None:
        folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="devmentor-board-")))
        postgres = Postgres()
        self._open.callback(postgres.stop)
        redis = Redis()
        self._open.callback(redis.stop)
        # DEBUG off, as in operation: files are looked up once, and no list of queries grows.
        settings = {"DATABASE_URL": postgres.create("board"), "REDIS_URL": redis.url, "DEBUG": "false"}
        seed(settings["DATABASE_URL"])
        self.gateway = self._open.enter_context(Gateway(settings, folder))
        self._writer = Console(environment(settings))
        self._open.callback(self._writer.stop)
        self.project: str = self._run("seed", tasks=self.tasks)["project"]
        self._cookies = log_in(self.gateway.web_url)
        self.browser = self._open.enter_context(Chromium())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def window(self) -> Window:
        """A new one with an empty cache, logged in, whose pages take their own times."""
        return Window(
            self.browser,
            self.gateway.web_url,
            cookies=self._cookies,
            size=self._size,
            script=PROBE.read_text("utf-8"),
            slower=self._slower,
        )

    def open(self, window: Window) -> dict[str, float]:
        """The board, until all cards are painted and the badge reads Live: what was there when."""
        window.open(f"/projects/{self.project}")
        found: dict[str, float] = window.run(f"probe.opened({self.tasks})")
        return found

    def show_all(self, window: Window, title: str) -> None:
        """Wait until the window shows all that was written."""
        last = self.finish(title)
        window.run(f"probe.shows({last['task']!r}, {title!r})")

    def compare(self, window: Window) -> None:
        """AssertionError unless the window shows, card for card, what the server has, and nothing broke."""
        shown, held, errors = window.run(f"probe.compare({self.project!r})")
        assert shown == held, "the window shows another board than the server's"
        assert not errors, f"errors in the page: {errors}"

    def finish(self, title: str) -> dict[str, Any]:
        """One more change, by which a window shows that it has all that came before: `{task, title, seq}`."""
        return self.write("finish", title=title)

    def write(self, function: str, **arguments: object) -> dict[str, Any]:
        """A function of `browser_writer` on the board, in the writer's process; what it answers."""
        answer = self._run(function, project=self.project, **arguments)
        self.tasks = answer.get("tasks", self.tasks)
        return answer

    def _run(self, function: str, **arguments: object) -> dict[str, Any]:
        call = f"from benchmarks import browser_writer\nbrowser_writer.{function}(**{arguments!r})"
        done = self._writer.python(call)
        if not done.out:
            raise RuntimeError(f"the writer failed at {function}:\n{done.err}")
        answer: dict[str, Any] = json.loads(done.out)
        return answer


def log_in(base_url: str) -> dict[str, str]:
    """The owner's cookies, got by the form as a person gets them."""
    with httpx.Client(base_url=base_url) as client:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/login").text)
        assert token, "the log-in page has no token"
        client.post("/login", data={**OWNER.credentials, "csrfmiddlewaretoken": token[1]})
        return dict(client.cookies)


def wait_for_quiet() -> bool:
    """Wait until the machine has little to do; False where it went on having.

    A new window of Chromium loads the browser's own pages first, which takes longer than a board does.
    """
    if not PROCESSORS.exists():
        time.sleep(4 * LOOK_SECONDS)
        return True
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        idle, total = _processor_times()
        time.sleep(LOOK_SECONDS)
        idle_later, total_later = _processor_times()
        if idle_later - idle > QUIET * (total_later - total):
            return True
    return False


def _processor_times() -> tuple[int, int]:
    """Ticks that all processors together were idle, and in all."""
    ticks = [int(word) for word in PROCESSORS.read_text().split("\n", 1)[0].split()[1:]]
    return ticks[3] + ticks[4], sum(ticks)
