"""TCP proxies that can be cut, slowed down, or fall silent, on the real wire: the process behind `links`.

An order is a line of JSON on its standard input, what to do and by name its arguments; once it is carried out
there is a line in answer. The process ends with its input.
"""

import asyncio
import itertools
import json
import sys
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import suppress
from typing import Any

CHUNK = 65_536
READY_LOOK_SECONDS = 0.25

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Pipe:
    """One connection that a proxy carries: its near end is the client's, its far end the upstream's."""

    def __init__(self, link: "Link", near: Streams, far: Streams) -> None:
        self._link = link
        self._near, self._far = near, far
        self._abandoned = False

    async def carry(self) -> None:
        pumps = {
            asyncio.ensure_future(self._pump(self._near[0], self._far[1])),
            asyncio.ensure_future(self._pump(self._far[0], self._near[1])),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await _cancel(pumps)
            while self._abandoned and await self._far[0].read(CHUNK):
                pass  # swallowed: the far end has to find out by itself
        except OSError:
            pass  # the far end has found out
        finally:
            await _cancel(pumps)
            self._near[1].close()
            self._far[1].close()

    def end(self) -> None:
        self._near[1].transport.abort()
        self._far[1].transport.abort()

    def abandon(self) -> None:
        self._abandoned = True
        self._near[1].transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._link.flowing.wait()
                if self._link.delay:
                    await asyncio.sleep(self._link.delay)
                writer.write(data)
                await writer.drain()


async def _cancel(tasks: Collection["asyncio.Future[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Link:
    """One proxy to a port of this machine. To several it is a load balancer: in turn, or, where it is sticky,
    to the first that is ready.
    """

    def __init__(self, upstreams: Sequence[int], sticky: bool) -> None:
        self.port = 0
        self.delay = 0.0
        self.flowing = asyncio.Event()
        self.flowing.set()
        self._upstreams = upstreams
        self._turns: Iterator[int] = itertools.repeat(0) if sticky else itertools.count()
        self._ready = set(upstreams)
        self._refusing = False
        self._pipes: set[Pipe] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- what it is told ----------------------------------------------------------------------

    def cut(self) -> None:
        self._refusing = True
        self.drop()

    def drop(self) -> None:
        self._each(Pipe.end)

    def abandon(self) -> None:
        self._each(Pipe.abandon)

    def fall_silent(self) -> None:
        self.flowing.clear()

    def slow_down(self, seconds: float) -> None:
        self.delay = seconds

    def mend(self) -> None:
        self._refusing, self.delay = False, 0.0
        self.flowing.set()

    def _each(self, act: Callable[[Pipe], None]) -> None:
        for pipe in list(self._pipes):
            act(pipe)

    # --- what it does -------------------------------------------------------------------------

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]
        if len(self._upstreams) > 1:
            self._keep(self._look_who_is_ready())

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keep(self._carry((reader, writer)))

    async def _carry(self, near: Streams) -> None:
        far = None if self._refusing else await self._connect()
        if far is None:
            near[1].transport.abort()
            return
        pipe = Pipe(self, near, far)
        if self._refusing:  # by now
            pipe.end()
            return
        self._pipes.add(pipe)
        try:
            await pipe.carry()
        finally:
            self._pipes.discard(pipe)

    async def _connect(self) -> Streams | None:
        """The next upstream that is ready, else the next that answers."""
        first, count = next(self._turns), len(self._upstreams)
        order = [self._upstreams[(first + step) % count] for step in range(count)]
        for port in sorted(order, key=lambda port: port not in self._ready):
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _look_who_is_ready(self) -> None:
        while True:
            answers = await asyncio.gather(*(_is_ready(port) for port in self._upstreams))
            self._ready = {port for port, ready in zip(self._upstreams, answers, strict=True) if ready}
            await asyncio.sleep(READY_LOOK_SECONDS)


async def _is_ready(port: int) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    return False


async def main() -> None:
    """Carry out orders until there are no more."""
    orders = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(orders)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    links: list[Link] = []
    while line := await orders.readline():
        what, arguments = json.loads(line)
        if what == "open":
            links.append(Link(**arguments))
            await links[-1].listen()
            sys.stdout.write(f"{links[-1].port}\n")
        else:
            getattr(links[arguments.pop("link")], what)(**arguments)
            sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
