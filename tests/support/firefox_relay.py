"""Firefox for Playwright: starts the browser with the arguments given, and stands between the two.

Playwright drives a Firefox as Debian has it by WebDriver BiDi, and asks it at the start to emulate what an
older one cannot, as a preferred colour scheme. It would give up there; here it hears that all is well.
So in Firefox tests emulate no more of a machine than the size of its window.
"""

import asyncio
import json
import os
import re
import shutil
import sys

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

NAMES = ("firefox-esr", "firefox")
LISTENS = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
LARGEST = 256 * 1024 * 1024  # bytes of a message: pictures are long


def firefox_path() -> str:
    """The browser of the machine: `FIREFOX` if set, else the first of the usual names."""
    for name in (os.environ.get("FIREFOX", ""), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    raise FileNotFoundError("Firefox not found; `make test` installs it, or set FIREFOX=/path/to/firefox")


async def main() -> int:
    firefox = await asyncio.create_subprocess_exec(
        firefox_path(), *sys.argv[1:], stderr=asyncio.subprocess.PIPE, limit=LARGEST
    )
    assert firefox.stderr
    while line := await firefox.stderr.readline():
        if found := LISTENS.search(line):
            break
        sys.stderr.buffer.write(line)
    else:
        return await firefox.wait()
    address = found[1].decode()

    async def relay(playwright: ServerConnection) -> None:
        async with connect(f"{address}/session", max_size=LARGEST, origin=None, compression=None) as browser:
            commands: dict[int, str] = {}
            await asyncio.gather(
                _commands(playwright, browser, commands), _answers(browser, playwright, commands)
            )

    async with serve(relay, "127.0.0.1", 0, max_size=LARGEST, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        sys.stderr.write(f"WebDriver BiDi listening on ws://127.0.0.1:{port}\n")
        sys.stderr.flush()
        await asyncio.gather(_drain(firefox.stderr), firefox.wait())
    return firefox.returncode or 0


async def _commands(
    playwright: ServerConnection, browser: ClientConnection, commands: dict[int, str]
) -> None:
    async for text in playwright:
        command = json.loads(text)
        commands[command["id"]] = command["method"]
        await browser.send(text)
    await browser.close()


async def _answers(browser: ClientConnection, playwright: ServerConnection, commands: dict[int, str]) -> None:
    async for text in browser:
        answer = json.loads(text)
        method = commands.pop(answer.get("id"), "")
        if answer.get("error") == "unknown command" and method.startswith("emulation."):
            text = json.dumps({"type": "success", "id": answer["id"], "result": {}})
        await playwright.send(text)
    await playwright.close()


async def _drain(lines: asyncio.StreamReader) -> None:
    while line := await lines.readline():
        sys.stderr.buffer.write(line)
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
