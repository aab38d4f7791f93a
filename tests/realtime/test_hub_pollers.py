"""Long polls in the hub: woken by what wakes the sockets, and forgotten when they go."""

import asyncio

import pytest

from realtime.database import in_database
from realtime.eventlog import UnknownRoom
from realtime.models import RoomHead
from tests.realtime.hub_rig import Rig, run
from tests.support.waiting import until


def test_a_poller_is_woken_by_the_bell(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        waiting = asyncio.create_task(rig.hub.wait_beyond(rig.room, 0, 30))
        await until(lambda: (state := rig.hub.find(rig.room.name)) and state.waiters)
        await rig.write()
        rig.ring(1)
        assert await asyncio.wait_for(waiting, 5)

    run(story())


def test_a_poller_is_woken_although_the_bell_was_lost(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        waiting = asyncio.create_task(rig.hub.wait_beyond(rig.room, 0, 30))
        await until(lambda: (state := rig.hub.find(rig.room.name)) and state.waiters)
        await rig.write()
        await rig.hub.check_heads()
        assert await asyncio.wait_for(waiting, 5)

    run(story())


def test_a_poller_whose_event_is_there_already_does_not_wait(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(2)
        assert await asyncio.wait_for(rig.hub.wait_beyond(rig.room, 1, 30), 5)

    run(story())


def test_a_poller_hears_when_its_time_is_up_and_is_forgotten(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        assert not await rig.hub.wait_beyond(rig.room, 0, 0.01)
        state = rig.hub.find(rig.room.name)
        assert state
        assert state.waiters == set()

    run(story())


def test_a_poller_that_goes_away_is_forgotten(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        waiting = asyncio.create_task(rig.hub.wait_beyond(rig.room, 0, 30))
        await until(lambda: (state := rig.hub.find(rig.room.name)) and state.waiters)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        state = rig.hub.find(rig.room.name)
        assert state
        assert state.idle

    run(story())


def test_a_poller_whose_log_was_trimmed_past_it_is_let_go_to_ask_the_log(rig: Rig) -> None:
    """Nobody feeds the room any more: it would hear nothing until its time is up."""

    async def story() -> None:
        await rig.create()
        waiting = asyncio.create_task(rig.hub.wait_beyond(rig.room, 0, 30))
        await until(lambda: (state := rig.hub.find(rig.room.name)) and state.waiters)
        await rig.write(3)
        await in_database(RoomHead.objects.filter(room=rig.room.name).update, trimmed=2)
        await rig.hub.check_heads()
        assert await asyncio.wait_for(waiting, 5)

    run(story())


def test_nobody_waits_for_a_room_that_is_not_there(rig: Rig) -> None:
    async def story() -> None:
        with pytest.raises(UnknownRoom):
            await rig.hub.wait_beyond(rig.room, 0, 30)

    run(story())
