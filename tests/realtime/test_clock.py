"""The gateway's clock: what one piece of work waits for holds up no other."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from realtime import eventlog
from realtime import gateway as gateway_module
from realtime.protocol import CloseCode
from tests.realtime.hub_rig import Reader, Rig, run
from tests.support.waiting import until


async def hang() -> None:
    await asyncio.Event().wait()


def closed_as_idle(reader: Reader) -> bool:
    closing = reader.connection.closing
    return closing is not None and closing.code == CloseCode.IDLE


async def started(rig: Rig, story: Callable[[], Awaitable[None]]) -> None:
    """Run it with the clock going."""
    rig.gateway.ensure_started()
    try:
        await story()
    finally:
        await rig.gateway.stop()


def test_a_database_that_does_not_answer_holds_up_no_heartbeat_and_no_close(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answer = threading.Event(), threading.Event()

    def swallow(rooms: object) -> dict[str, int]:
        asked.set()
        answer.wait(20)
        return {}

    async def story() -> None:
        await rig.hub.open(rig.room)
        silent = Reader()
        silent.connection.last_frame_at = time.monotonic()
        rig.gateway.add(silent.connection)
        await until(asked.is_set)
        assert asked.is_set()
        assert not closed_as_idle(silent)
        silent.connection.last_frame_at = float("-inf")
        silent.connection.heartbeat_at = float("-inf")
        await until(lambda: closed_as_idle(silent))
        assert closed_as_idle(silent)
        answer.set()

    async def whole() -> None:
        await rig.create()
        await started(rig, story)

    monkeypatch.setattr(gateway_module, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(eventlog, "heads", swallow)
    run(whole())


def test_a_layer_that_does_not_answer_holds_up_no_comparison_of_heads(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just then nothing is heard but by the log."""

    async def story() -> None:
        reader = Reader()
        await rig.join(reader)
        await rig.write(3)  # the rig's bell rings for nobody
        await until(lambda: reader.seqs == [1, 2, 3])
        assert reader.seqs == [1, 2, 3]

    async def whole() -> None:
        await rig.create()
        await started(rig, story)

    monkeypatch.setattr(gateway_module, "TICK_SECONDS", 0.05)
    monkeypatch.setattr("realtime.bell.Bell.mend", lambda _: hang())
    monkeypatch.setattr("realtime.broadcast.serve", lambda _: None)
    run(whole())
