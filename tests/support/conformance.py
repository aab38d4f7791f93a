"""Autobahn's WebSocket cases, as kosoku runs them, against an echo behind a server's protocol classes."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from realtime.http_protocol import HttpProtocol
from realtime.websocket_protocol import SocketProtocol
from realtime.wire import EXTENSION, frame
from tests.support.asgi_server import serving

MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # Autobahn's largest has 16 MiB; the gateway itself takes 64 KiB
# From good to bad. INFORMATIONAL is where the RFC leaves a choice.
BEHAVIORS = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED", "FAILED", "ERROR")
CLOSES = ("OK", "INFORMATIONAL", "UNCLEAN", "FAILED BY CLIENT", "WRONG CODE", "FAILED")
PASSED = {"OK", "INFORMATIONAL", "NON-STRICT"}


class Verdict(NamedTuple):
    """Of the exchange of messages, and of the closing handshake."""

    behavior: str
    close: str

    @property
    def passed(self) -> bool:
        return self.behavior in PASSED and self.close in PASSED

    def is_worse_than(self, other: "Verdict") -> bool:
        behavior = BEHAVIORS.index(self.behavior) > BEHAVIORS.index(other.behavior)
        return behavior or CLOSES.index(self.close) > CLOSES.index(other.close)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Texts go by the wire as ready frames, as the gateway's do, where the server offers one."""
    await receive()
    await send({"type": "websocket.accept"})
    wire = (scope.get("extensions") or {}).get(EXTENSION)
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None and wire is not None and wire.clear:
            wire.write(frame(text))
        elif text is not None:
            await send({"type": "websocket.send", "text": text})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


def verdicts(
    *cases: str, at_once: int = 8, http: Any = HttpProtocol, ws: Any = SocketProtocol
) -> dict[str, Verdict]:
    """By the numbers of the cases, in their order. `cases` are numbers or patterns like `1.*`."""
    with (
        serving(echo, http, ws, ws_max_size=MAX_MESSAGE_BYTES) as port,
        tempfile.TemporaryDirectory() as folder,
    ):
        chosen = [argument for case in cases for argument in ("--include", case)]
        # A process of its own: kosoku puts modules named like daphne's in front of these.
        command = [
            str(Path(sys.executable).with_name("kosoku")),
            "--outdir",
            folder,
            "--parallelism",
            str(at_once),
        ]
        done = subprocess.run(
            [*command, *chosen, f"ws://127.0.0.1:{port}"],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        report = Path(folder) / "index.json"
        assert report.exists(), done.stdout + done.stderr
        (found,) = json.loads(report.read_text()).values()
    found = {case: Verdict(each["behavior"], each["behaviorClose"]) for case, each in found.items()}
    return dict(sorted(found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))
