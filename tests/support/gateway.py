"""A gateway process as an operator starts it: `python manage.py gateway`."""

import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from tests.support.environment import environment
from tests.support.processes import Server, free_port
from tests.support.raw_http import get

START_SECONDS = 30


class Gateway(Server):
    """Listens on two free ports once `wait_ready` returns, which `with` does too.

    `settings` are its environment beyond the tests' own defaults; `program` is what stands for `manage.py`.
    """

    def __init__(
        self, settings: Mapping[str, str], folder: Path, program: Sequence[str] = ("manage.py",)
    ) -> None:
        self.port, self.web_port = free_port(), free_port()
        self.http_url = f"http://127.0.0.1:{self.port}"
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/"
        origins = {"CORS_ORIGIN": f"{self.web_url},http://localhost:{self.web_port}"}
        ports = {"PORT": str(self.port), "WEB_PORT": str(self.web_port)}
        listen = ["--port", ports["PORT"], "--web-port", ports["WEB_PORT"], "--host", "127.0.0.1"]
        self.altered = False  # started last with a program or settings of that start alone
        self._arguments = ["gateway", *listen]
        self._settings = {**origins, **ports, **settings}
        super().__init__(
            [sys.executable, *program, *self._arguments],
            log=folder / f"gateway-{self.port}.log",
            environment=environment(self._settings),
            ready=partial(answers, f"{self.http_url}/ready"),
            start_seconds=START_SECONDS,
        )

    def restart(self, program: Sequence[str] = ("manage.py",), **settings: str) -> None:
        """Start it again on its ports, once it has ended; what is given holds for this start alone."""
        self.altered = bool(settings) or tuple(program) != ("manage.py",)
        self._command = [sys.executable, *program, *self._arguments]
        self._environment = environment({**self._settings, **settings})
        self.start()
        self.wait_ready()

    def clients(self) -> dict[str, int]:
        """How many it serves now, by kind; what there is none of is left out."""
        connections = get(f"{self.http_url}/health").json()["connections"]
        metrics = get(f"{self.http_url}/metrics").body
        polls = re.search(rb"^polling_waiting_requests (\S+)", metrics, re.MULTILINE)
        found = {"sockets and sessions": connections, "held polls": int(float(polls[1])) if polls else 0}
        return {kind: count for kind, count in found.items() if count}


def answers(url: str) -> bool:
    """Whether a GET of that address is answered with 200."""
    try:
        return get(url).status == 200
    except OSError:
        return False
