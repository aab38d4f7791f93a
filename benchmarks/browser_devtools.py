"""Chromium by its DevTools protocol alone.

A test tool that drives a browser has it report each frame of each socket, at several times the price of the
frame itself: what is measured would be the report. Here nothing is asked for that is not used.
"""

import base64
import itertools
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

from tests.support.browser import FLAGS, chromium_path
from tests.support.processes import Server

START_SECONDS = 30
ANSWER_SECONDS = 180
# A window that another one covers is as awake as the one on top.
AWAKE = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
OFFLINE = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}

Answer = dict[str, Any]


class Chromium:
    """A browser without a window, in a profile of its own; `with` ends it."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._ids = itertools.count(1)
        self._events: list[Answer] = []
        folder = Path(
            self._open.enter_context(
                tempfile.TemporaryDirectory(prefix="devmentor-chromium-", ignore_cleanup_errors=True)
            )
        )
        profile = folder / "profile"
        options = ["--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *FLAGS, *AWAKE]
        server = Server([chromium_path(), *options, "about:blank"], log=folder / "chromium.log")
        self._open.callback(server.stop)
        address = profile / "DevToolsActivePort"
        server.wait_until(lambda: address.exists() and address.read_text().count("\n") > 0, START_SECONDS)
        port, path = address.read_text().split("\n")[:2]
        opening = connect(f"ws://127.0.0.1:{port}{path}", max_size=None, ping_interval=None, proxy=None)
        self._connection = self._open.enter_context(opening)
        self.version: str = self.send("Browser.getVersion")["product"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, method: str, session: str | None = None, **params: object) -> Answer:
        """One command and its answer; RuntimeError with the browser's words where it says no."""
        number = next(self._ids)
        command = {"id": number, "method": method, "params": params}
        self._connection.send(json.dumps(command if session is None else {**command, "sessionId": session}))
        while True:
            message = self._receive()
            if message.get("id") != number:
                self._events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']}")
            else:
                result: Answer = message["result"]
                return result

    def wait_for(self, event: str) -> Answer:
        """The parameters of the next event of that name."""
        while True:
            for message in self._events:
                if message.get("method") == event:
                    self._events.clear()
                    params: Answer = message["params"]
                    return params
            self._events = [self._receive()]

    def start_tracing(self, categories: Sequence[str]) -> None:
        config = {"includedCategories": list(categories), "excludedCategories": ["*"]}
        self.send("Tracing.start", transferMode="ReturnAsStream", traceConfig=config)

    def stop_tracing(self) -> bytes:
        """The trace, as JSON."""
        self.send("Tracing.end")
        stream = self.wait_for("Tracing.tracingComplete")["stream"]
        parts: list[bytes] = []
        while True:
            part = self.send("IO.read", handle=stream, size=4_000_000)
            data: str = part["data"]
            parts.append(base64.b64decode(data) if part.get("base64Encoded") else data.encode())
            if part["eof"]:
                self.send("IO.close", handle=stream)
                return b"".join(parts)

    def _receive(self) -> Answer:
        message: Answer = json.loads(self._connection.recv(timeout=ANSWER_SECONDS))
        return message


class Window:
    """One page in a context of its own: own cookies, own cache."""

    def __init__(
        self,
        browser: Chromium,
        base_url: str,
        *,
        cookies: Mapping[str, str],
        size: tuple[int, int],
        script: str,
        slower: float = 1,
    ) -> None:
        """`script` runs in each document before all else; `slower`: by how much, the page's processor."""
        self._browser = browser
        self._base_url = base_url
        self._context: str = browser.send("Target.createBrowserContext")["browserContextId"]
        self._target: str = browser.send(
            "Target.createTarget", url="about:blank", browserContextId=self._context
        )["targetId"]
        self._session: str = browser.send("Target.attachToTarget", targetId=self._target, flatten=True)[
            "sessionId"
        ]
        width, height = size
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.send("Emulation.setDeviceMetricsOverride", **screen)
        self.send("Page.enable")  # without it the script is taken and never run
        self.send("Page.addScriptToEvaluateOnNewDocument", source=script)
        given = [{"name": name, "value": value, "url": base_url} for name, value in cookies.items()]
        browser.send("Storage.setCookies", cookies=given, browserContextId=self._context)
        if slower > 1:
            self.send("Emulation.setCPUThrottlingRate", rate=slower)

    def send(self, method: str, **params: object) -> Answer:
        return self._browser.send(method, self._session, **params)

    def open(self, path: str) -> None:
        """Go there; returns once the new document is in the page."""
        before = self.run("performance.timeOrigin")
        self.send("Page.navigate", url=self._base_url + path)
        while self.run("performance.timeOrigin") == before:
            time.sleep(0.02)

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression, or what its promise comes to."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def go_offline(self) -> None:
        """Requests fail from now on, and the page is told so."""
        self.send("Network.enable")
        self.send("Network.emulateNetworkConditions", **OFFLINE)

    def go_online(self) -> None:
        """The network is there again, and nobody looks on at it any more."""
        self.send("Network.disable")

    def close(self) -> None:
        self._browser.send("Target.disposeBrowserContext", browserContextId=self._context)
