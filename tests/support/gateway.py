"""A gateway process as an operator starts it: `python manage.py gateway`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tests.support.environment import environment
from tests.support.processes import Server, free_port

START_SECONDS = 30


class Gateway(Server):
    """Listens on two free ports once `wait_ready` returns, which `with` does too.

    `settings` are its environment beyond the tests' own defaults.
    """

    def __init__(self, settings: Mapping[str, str], folder: Path) -> None:
        self.port, self.web_port = free_port(), free_port()
        self.http_url = f"http://127.0.0.1:{self.port}"
        self.web_url = f"http://127.0.0.1:{self.web_port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}/"
        origins = {"CORS_ORIGIN": f"{self.web_url},http://localhost:{self.web_port}"}
        ports = {"PORT": str(self.port), "WEB_PORT": str(self.web_port)}
        command = ["gateway", "--port", ports["PORT"], "--web-port", ports["WEB_PORT"], "--host", "127.0.0.1"]
        super().__init__(
            [sys.executable, "manage.py", *command],
            log=folder / f"gateway-{self.port}.log",
            environment=environment({**origins, **ports, **settings}),
        )

    def wait_ready(self, seconds: float = START_SECONDS) -> "Gateway":
        """Poll /ready; a gateway that does not get there is killed, and NotReady shows its log."""
        try:
            self.wait_until(self._is_ready, seconds)
        except BaseException:
            self.kill()
            raise
        return self

    def __enter__(self) -> "Gateway":
        return self.wait_ready()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.terminate()

    def terminate(self, seconds: float = 15) -> int:
        """SIGTERM and a bounded wait; the exit status. Killed where it does not end by itself."""
        if self.running:
            self.resume()  # one that a test has paused would not hear the signal
        return self.stop(seconds=seconds)

    def restart(self) -> None:
        """Start it again on its ports, once it has ended."""
        self.start()
        self.wait_ready()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.http_url}/ready", timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
