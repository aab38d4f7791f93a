"""A proxy before a gateway that does something to one event on its way to one client.

It reads what the gateway sends frame by frame, so that what happens is a loss, a double or a swap of whole
events, whatever the gateway is made of.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any

EVENT = b'"event":"task:'
THIS_ONE = 3  # of the events of the first socket, counted from 1

Frames = list[bytes]
Deed = Callable[["Wire", bytes], Frames]


class Cut(Exception):
    """The connection breaks here."""


class Wire:
    """One socket: how many events have passed, and what is held back."""

    def __init__(self) -> None:
        self.events = 0
        self.held: Frames = []


def lose(wire: Wire, frame: bytes) -> Frames:
    return [] if wire.events == THIS_ONE else [frame]


def double(wire: Wire, frame: bytes) -> Frames:
    return [frame, frame] if wire.events == THIS_ONE else [frame]


def swap(wire: Wire, frame: bytes) -> Frames:
    """This event after the next one."""
    if wire.events == THIS_ONE:
        wire.held.append(frame)
        return []
    held, wire.held = wire.held, []
    return [frame, *held]


def cut(wire: Wire, frame: bytes) -> Frames:
    if wire.events == THIS_ONE:
        raise Cut
    return [frame]


class Tampering:
    """`url` leads to the gateway; `deed` is done to the first socket that opens there, to no other."""

    def __init__(self, port: int, deed: Deed) -> None:
        self._upstream = port
        self._deed = deed
        self._sockets = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._wait(self._listen())}"

    def close(self) -> None:
        self._wait(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, int]) -> int:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _stop(self) -> int:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        return len(await asyncio.gather(*others, return_exceptions=True))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        pumps = [
            asyncio.ensure_future(_copy(reader, far_writer)),
            asyncio.ensure_future(self._answers(far_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.transport.abort()
            far_writer.transport.abort()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        if b" 101 " not in head.partition(b"\r\n")[0]:
            await _copy(reader, writer)
            return
        self._sockets += 1
        if self._sockets > 1:
            await _copy(reader, writer)
            return
        wire = Wire()
        while True:
            frame = await _frame(reader)
            wire.events += EVENT in frame
            for each in self._deed(wire, frame) if EVENT in frame else [frame]:
                writer.write(each)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One frame of a server, header and all: those are not masked (RFC 6455, section 5.2)."""
    header = await reader.readexactly(2)
    extended = await reader.readexactly({126: 2, 127: 8}.get(header[1], 0))
    length = int.from_bytes(extended) if extended else header[1]
    return header + extended + await reader.readexactly(length)
