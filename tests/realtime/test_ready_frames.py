"""Ready frames: made once for a room, written past the queue to who is level, and in order with the rest."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.connection import Connection, size
from realtime.protocol import CloseCode
from realtime.slim import Gate, Inbox
from realtime.wire import frame, payload_bytes
from tests.realtime.hub_rig import Rig, WiredReader, run, texts


@given(st.lists(st.text(max_size=200), max_size=5))
def test_frames_say_what_they_are_given(said: list[str]) -> None:
    encodable = [text.encode(errors="replace").decode() for text in said]
    assert list(texts(b"".join(map(frame, encodable)))) == encodable


@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_each_length_has_its_header(length: int) -> None:
    """RFC 6455, section 5.2: 7 bits, 16 or 64."""
    assert list(texts(frame("x" * length))) == ["x" * length]


@pytest.mark.parametrize("text", ["", "x" * 125, "ä" * 63, "x" * 126, "漢" * 21_845, "x" * 65_536])
def test_bytes_are_those_of_the_payload_whichever_way_a_frame_goes(text: str) -> None:
    """A frame counts the same by way of the queue, past it, and when it came from the client."""
    ready = frame(text)
    assert payload_bytes(ready) == size(text) == len(text.encode())
    queued, past = (Connection("c", "127.0.0.1", "", 0.0, wake=lambda: None) for _ in range(2))
    past.stream = lambda _: None
    for each in (queued, past):
        each.send_shared(text, ready)
    queued.outbox.take()
    assert queued.bytes_out == past.bytes_out == size(text)


def test_the_events_of_one_turn_leave_as_one_write(rig: Rig) -> None:
    """The cost is a write for each member and turn, not for each event: a burst costs what one event does."""

    async def story() -> None:
        await rig.create()
        level, busy = WiredReader(), WiredReader()
        await rig.join(level)
        await rig.join(busy)
        busy.wire.set_clear(False)
        await rig.write(30)
        for seq in range(1, 31):
            rig.ring(seq)
        assert (level.seqs, level.writes) == ([], 0)
        await asyncio.sleep(0)
        assert (level.seqs, level.writes) == (list(range(1, 31)), 1)
        assert (busy.seqs, len(busy.connection.outbox)) == ([], 30)
        busy.wire.set_clear(True)
        assert (busy.seqs, busy.writes) == (list(range(1, 31)), 1)
        assert level.connection.frames_out == busy.connection.frames_out == 30
        assert level.connection.bytes_out == busy.connection.bytes_out

    run(story())


def test_an_answer_and_an_event_keep_their_order(rig: Rig) -> None:
    """What is said to one member waits with the events that wait, and events behind what was said."""

    async def story() -> None:
        await rig.create()
        reader = WiredReader()
        await rig.join(reader)
        said: list[str] = []
        reader.read = said.append  # type: ignore[assignment, method-assign]
        await rig.write(2)
        rig.ring(1)
        reader.connection.send("before the turn ends")
        await asyncio.sleep(0)
        reader.wire.set_clear(False)
        reader.connection.send("while it is busy")
        rig.ring(2)
        await asyncio.sleep(0)
        reader.wire.set_clear(True)
        assert [text if text[0] != "{" else json.loads(text)["seq"] for text in said] == [
            *("before the turn ends", 1),
            *("while it is busy", 2),
        ]

    run(story())


def test_nothing_follows_a_close_frame(rig: Rig) -> None:
    """RFC 6455, section 5.5.1: no data after it, whatever the room goes on to say."""

    async def story() -> None:
        await rig.create()
        reader = WiredReader()
        await rig.join(reader)
        await rig.write(2)
        rig.ring(1)
        reader.connection.close(CloseCode.RESTART, "come back")
        rig.ring(2)
        await asyncio.sleep(0)
        assert reader.seqs == []
        assert not reader.wire.clear

    run(story())


def test_an_inbox_hands_on_in_order_and_its_reader_may_be_cancelled() -> None:
    async def story() -> None:
        inbox: Inbox[int] = Inbox()
        reading = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        for number in range(3):
            inbox.put_nowait(number)
        assert [await inbox.get() for _ in range(3)] == [0, 1, 2]
        reading = asyncio.create_task(inbox.get())
        await asyncio.sleep(0)
        inbox.put_nowait(3)
        assert await reading == 3
        assert inbox.empty()

    run(story())


def test_a_gate_lets_through_whoever_waits_once_it_is_open() -> None:
    async def story() -> None:
        gate = Gate()
        await gate.wait()
        gate.clear()
        waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        gate.set()
        gate.clear()  # who was let through may find it closed again, and waits on
        await asyncio.sleep(0)
        assert not waiting[1].done()
        gate.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert [task.cancelled() for task in waiting] == [True, False, False]

    run(story())
