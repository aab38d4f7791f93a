"""An answer holds nothing that came after the right to read it had ended, whenever that was.

In each of these the rights are looked at and still there; then they end by an event, another event follows,
and only then the log is read.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from realtime import eventlog
from realtime.database import in_database
from realtime.eventlog import Page
from realtime.hub import HubRoom
from realtime.protocol import FrameError
from realtime.rooms import Room
from tests.realtime.hub_rig import Reader, Rig, append, run
from tests.realtime.test_polls_share_reads import Polls


@pytest.fixture
def polls(rig: Rig) -> Polls:
    return Polls(rig)


def end_rights(rig: Rig) -> None:
    """A guest is put out, and what happens next is not for them."""
    append(rig.room, 1, reauthorise=True)
    rig.refused.add(None)
    append(rig.room)


def before_next(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], None]) -> None:
    """Act right before the next call of what goes by that name."""
    real: Any = getattr(owner, name)

    def first_act(*args: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        act()
        return real(*args)

    monkeypatch.setattr(owner, name, first_act)


@pytest.mark.parametrize("wait", [0, 30_000])
def test_a_poll_that_reads_after_its_rights_have_ended_gets_nothing(
    polls: Polls, monkeypatch: pytest.MonkeyPatch, wait: int
) -> None:
    async def story() -> None:
        await polls.rig.create()
        before_next(monkeypatch, eventlog, "bounds", lambda: end_rights(polls.rig))
        status, found = await polls.answer(since=0, wait=wait)
        assert (status, found["code"]) == (404, "not-found")

    run(story())


def test_a_long_poll_that_is_woken_gets_nothing(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an event that it might have had, and then its rights end before it is answered."""

    async def story() -> None:
        rig = polls.rig
        await rig.create()
        waiting = asyncio.create_task(polls.answer(since=0, wait=30_000))
        await polls.held(1)
        heard = polls.endpoint.pager.heard

        async def read(room: Room, cursor: int, limit: int) -> Page:
            await in_database(end_rights, rig)
            for seq in (2, 3):
                rig.ring(seq)
            return await heard(room, cursor, limit)

        monkeypatch.setattr(polls.endpoint.pager, "heard", read)
        await rig.write()
        rig.ring(1)
        status, found = await waiting
        assert (status, found["code"]) == (404, "not-found")

    run(story())


def test_a_stranger_is_not_told_what_the_log_holds(polls: Polls) -> None:
    """Not even that there is one."""

    async def story() -> None:
        await polls.rig.create()
        await polls.rig.write(3)
        polls.rig.refused.add(None)
        answers = [await polls.answer(since=since) for since in (0, 3, 99)]
        assert {(status, found["detail"]) for status, found in answers} == {
            (404, "there is no such board, or you may not see it")
        }

    run(story())


@pytest.mark.parametrize("heard", [False, True], ids=["the log", "memory"])
def test_a_join_with_since_replays_nothing_of_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, heard: bool
) -> None:
    """The rights end between the first look at them and the seat."""
    check = rig.hub.check_cursor

    async def end_and_check(state: HubRoom, cursor: int) -> None:
        monkeypatch.setattr(rig.hub, "check_cursor", check)
        await in_database(end_rights, rig)
        if heard:
            rig.ring(1)
            rig.ring(2)
        await check(state, cursor)

    async def story() -> None:
        await rig.create()
        monkeypatch.setattr(rig.hub, "check_cursor", end_and_check)
        reader, other = Reader(), Reader("other")
        with pytest.raises(FrameError, match="no such room"):
            await rig.join(reader, since=0)
        await rig.join(other, since=0)
        await rig.settle(other)
        assert (reader.seqs, other.seqs) == ([], [1, 2])

    run(story())


def test_nothing_of_a_room_is_read_for_who_may_not_see_it(
    polls: Polls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time that this takes would tell that the room is there."""

    def fail(*_: Any) -> Any:
        raise AssertionError("it was read")

    async def story() -> None:
        await polls.rig.create()
        await polls.rig.write(3)
        polls.rig.refused.add(None)
        for name in ("bounds", "bounds_of", "since", "head"):
            monkeypatch.setattr(eventlog, name, fail)
        assert (await polls.answer(since=0, wait=0))[0] == 404

    run(story())
