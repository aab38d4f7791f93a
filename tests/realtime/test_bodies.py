"""The bounds of a request's body, by a clock that is not waited for in vain: seconds of an own measure."""

import asyncio
import logging
import tracemalloc
from typing import Any

import orjson
import pytest

from realtime import bodies
from realtime.bodies import SMALL, BodyReader, Bounds
from realtime.rare_log import RareLog
from tests.support.waiting import until

Message = dict[str, Any]
MOST = 200_000


class Line:
    """A connection whose client sends when told to; `answers` are what the server sent."""

    def __init__(self, *parts: bytes, ends: bool = True, length: str | None = None) -> None:
        framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": length}
        self.scope: Message = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": "/api/x/",
            "headers": [(name.encode(), value.encode()) for name, value in framing.items()],
        }
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        for number, part in enumerate(parts, 1):
            self.send_part(part, more=not ends or number < len(parts))
        self.answers: list[Message] = []

    def send_part(self, part: bytes, more: bool = True) -> None:
        self.inbox.put_nowait({"type": "http.request", "body": part, "more_body": more})

    async def send(self, message: Message) -> None:
        self.answers.append(message)

    async def go(self, reader: BodyReader) -> int:
        """Let the reader read; the status that the client is told."""
        await reader(self.scope, self.inbox.get, self.send)
        return int(self.answers[0]["status"])

    @property
    def problem(self) -> Any:
        return orjson.loads(self.answers[1]["body"])


class Echo:
    """An application that answers 200, at once or when `leave` is given, and keeps what it read."""

    def __init__(self) -> None:
        self.leave = asyncio.Event()
        self.leave.set()
        self.read: list[tuple[bytes, dict[bytes, bytes]]] = []

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        message = await receive()
        self.read.append((message["body"], dict(scope["headers"])))
        await self.leave.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})


def test_the_application_gets_the_whole_with_its_length() -> None:
    async def story() -> None:
        echo = Echo()
        assert await Line(b"ab", b"", b"cd").go(BodyReader(echo, Bounds(MOST))) == 200
        assert echo.read == [(b"abcd", {b"content-length": b"4"})]

    asyncio.run(story())


def test_a_body_that_trickles_ends_in_time_however_steady_it_is() -> None:
    async def story() -> None:
        line = Line(b"x", ends=False)
        reader = BodyReader(Echo(), Bounds(MOST, idle=5, total=0.2))

        async def trickle() -> None:
            while True:
                await asyncio.sleep(0.01)
                line.send_part(b"x")

        trickling = asyncio.create_task(trickle())
        assert await line.go(reader) == 408
        trickling.cancel()
        assert line.problem["code"] == "request-timeout"

    asyncio.run(story())


def test_bodies_together_are_bounded_and_small_ones_are_always_read() -> None:
    async def story() -> None:
        echo = Echo()
        reader = BodyReader(echo, Bounds(MOST, held=3 * SMALL))
        echo.leave.clear()
        large = [Line(b"x" * SMALL, b"x") for _ in range(2)]
        held = [asyncio.create_task(line.go(reader)) for line in large]
        await asyncio.sleep(0)
        refused = Line(b"x" * SMALL, b"x")
        assert await refused.go(reader) == 503
        assert dict(refused.answers[0]["headers"])[b"retry-after"] == b"1"
        echo.leave.set()
        assert await Line(b"x" * SMALL).go(reader) == 200
        assert await asyncio.gather(*held) == [200, 200]
        assert await Line(b"x" * SMALL, b"x").go(reader) == 200  # what was held is given back

    asyncio.run(story())


def test_small_bodies_that_come_slowly_make_room_for_those_that_come_at_once() -> None:
    """Each of the slow ones is small; together they are as much as may be in memory."""

    async def story() -> None:
        reader = BodyReader(Echo(), Bounds(MOST, held=3 * SMALL, quick=0.05))
        slow = [Line(b"x" * SMALL, ends=False) for _ in range(3)]
        coming = [asyncio.create_task(line.go(reader)) for line in slow]
        assert await Line(b"x").go(reader) == 200  # none of them is slow yet
        clock = asyncio.get_running_loop().time
        began = clock()
        await until(lambda: clock() > began + 0.05)
        assert await Line(b"x" * SMALL).go(reader) == 200
        assert await coming[0] == 503
        assert dict(slow[0].answers[0]["headers"])[b"retry-after"] == b"1"
        for line in slow[1:]:
            line.send_part(b"", more=False)
        assert await asyncio.gather(*coming[1:]) == [200, 200]

    asyncio.run(story())


def test_a_small_body_is_its_own_slow_one_where_no_other_is() -> None:
    async def story() -> None:
        echo = Echo()
        reader = BodyReader(echo, Bounds(MOST, held=SMALL, quick=0))
        echo.leave.clear()
        held = asyncio.create_task(Line(b"x" * SMALL).go(reader))
        await until(lambda: bool(echo.read))  # and waits for its answer
        slow = Line(b"x", ends=False)
        slow.send_part(b"x")
        assert await slow.go(reader) == 503
        echo.leave.set()
        assert await held == 200

    asyncio.run(story())


def test_of_a_body_there_is_one_copy_in_memory() -> None:
    """The bound on all of them together counts each once."""
    count, size = 40, 100_000

    async def story() -> None:
        echo = Echo()
        echo.leave.clear()
        reader = BodyReader(echo, Bounds(MOST))
        lines = [Line(ends=False) for _ in range(count)]
        answered = [asyncio.create_task(line.go(reader)) for line in lines]
        tracemalloc.start()
        for line in lines:
            for more in (True, False):
                line.send_part(b"x" * (size // 2), more)
        await until(lambda: len(echo.read) == count)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        echo.leave.set()
        assert await asyncio.gather(*answered) == [200] * count
        assert count * size <= held < 1.2 * count * size

    asyncio.run(story())


def test_a_length_that_is_no_number_is_refused() -> None:
    async def story() -> None:
        for length in ("-1", "1_0", "0x10", "1e3", "9" * 5000, "٣"):
            status = await Line(b"x", length=length).go(BodyReader(Echo(), Bounds(MOST)))
            assert status == (413 if length.startswith("9") else 400), length

    asyncio.run(story())


def test_what_is_refused_is_a_line_now_and_then_that_a_client_cannot_break(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        reader = BodyReader(Echo(), Bounds(MOST))
        for _ in range(50):
            line = Line(length=str(MOST + 1))
            line.scope["path"] = "/x\nforged"
            line.inbox.put_nowait({"type": "http.disconnect"})
            assert await line.go(reader) == 413

    monkeypatch.setattr(bodies, "_log", RareLog(logging.getLogger("realtime.bodies")))
    asyncio.run(scenario())
    (told,) = [record.getMessage() for record in caplog.records if "413" in record.getMessage()]
    assert "\n" not in told
    assert "at most 200000 bytes" in told
