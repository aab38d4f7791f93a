"""The lines between the parts of the service, each a TCP proxy that a trial can cut, slow down or silence.

They run in a process of their own: a thousand clients in the process of the test would else hold up the
gateways' database and Redis, which come by way of them.
"""

import json
import subprocess
import sys
import threading
from typing import Any

from tests.support.processes import ROOT

END_SECONDS = 5


class Links:
    """The process in which the proxies run."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.tcp_proxies"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._one_at_a_time = threading.Lock()
        self._opened = 0

    def open(self, *upstreams: int, sticky: bool = False) -> "Link":
        """A line to a port of this machine. To several it is a load balancer: in turn, or, where it is
        sticky, to the first that is ready."""
        port = int(self.tell("open", upstreams=upstreams, sticky=sticky))
        self._opened += 1
        return Link(self, self._opened - 1, port)

    def tell(self, what: str, **arguments: Any) -> str:
        """Its answer, once that is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            print(json.dumps([what, arguments]), file=self._process.stdin, flush=True)
            answer = self._process.stdout.readline()
        assert answer, f"the proxies have ended: {what} {arguments}"
        return answer

    def close(self) -> None:
        self._process.communicate("", END_SECONDS)


class Link:
    """One line. What is done to it holds once the method returns; any thread may call."""

    def __init__(self, links: Links, number: int, port: int) -> None:
        self.port = port
        self._links = links
        self._number = number

    def cut(self) -> None:
        """End what is open and refuse what comes, until `mend`."""
        self._tell("cut")

    def drop(self) -> None:
        """End what is open; what comes gets through."""
        self._tell("drop")

    def abandon(self) -> None:
        """End the clients' side without a word to the upstream, which is left with half-open connections."""
        self._tell("abandon")

    def fall_silent(self) -> None:
        """Let nothing through either way, and tell neither end: a black hole, until `mend`."""
        self._tell("fall_silent")

    def slow_down(self, seconds: float) -> None:
        """Let each chunk wait for so long, either way, until `mend`."""
        self._tell("slow_down", seconds=seconds)

    def mend(self) -> None:
        self._tell("mend")

    def _tell(self, what: str, **arguments: Any) -> None:
        self._links.tell(what, link=self._number, **arguments)
