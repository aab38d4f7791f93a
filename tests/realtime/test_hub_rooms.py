"""A room's life in a hub: how it is let go, and that nobody is ever left in one that is gone."""

import threading
import time

from realtime.connection import Seat
from realtime.database import in_database
from realtime.hub import LINGER_SECONDS, HubRoom
from realtime.models import Event as EventRow
from realtime.models import RoomHead
from realtime.protocol import CloseCode
from tests.realtime.hub_rig import Bells, Reader, Rig, run
from tests.support.waiting import until


def test_an_empty_room_is_let_go_after_a_while(rig: Rig, bells: Bells) -> None:
    async def story() -> None:
        await rig.create()
        await rig.hub.open(rig.room)
        now = time.monotonic()
        rig.hub.close_idle(now + LINGER_SECONDS - 1)
        assert rig.hub.rooms()
        rig.hub.close_idle(now + LINGER_SECONDS + 1)
        await until(lambda: not bells.subscribed)
        assert (rig.hub.rooms(), bells.subscribed) == ([], [])

    run(story())


def test_a_room_with_a_member_is_never_let_go(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        rig.hub.close_idle(time.monotonic() + 10_000)
        await rig.write()
        await rig.settle(reader)
        assert reader.seqs == [1]

    run(story())


def test_a_room_that_somebody_is_about_to_enter_is_not_let_go(rig: Rig) -> None:
    """Between opening the room and taking the seat lies a read of the log; a seat in a room that was let
    go meanwhile would be deaf for good.
    """

    async def story() -> None:
        await rig.create()
        state = await rig.hub.open(rig.room)
        state.idle_since -= LINGER_SECONDS + 1
        entered = await rig.hub.open(rig.room)
        rig.hub.close_idle(time.monotonic())
        assert rig.hub.find(rig.room.name) is entered

    run(story())


def test_members_of_a_room_whose_log_was_trimmed_past_them_are_sent_back(rig: Rig) -> None:
    """A gateway that was cut off for longer than events are kept must not stay silent: its people come back,
    and learn at the join that they have to load the board again.
    """

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        await rig.write(3)
        await in_database(RoomHead.objects.filter(room=rig.room.name).update, trimmed=2)
        await rig.hub.check_heads()
        await until(lambda: reader.connection.closing)
        assert reader.connection.closing is not None
        assert reader.connection.closing.code == CloseCode.RESTART
        assert rig.hub.find(rig.room.name) is None

    run(story())


def test_nobody_enters_a_room_that_was_given_up_meanwhile(rig: Rig) -> None:
    """It would be deaf there; between opening a room and taking the seat lies a read of the log."""

    async def story() -> None:
        await rig.create()
        state = await rig.hub.open(rig.room)
        rig.hub._let_go(state)
        late = Reader()
        rig.hub.take_seat(state, Seat(late.connection, rig.room))
        assert late.connection.closing
        assert late.connection.closing.code == CloseCode.RESTART

    run(story())


def test_a_room_that_is_gone_takes_nothing_of_its_successor_with_it(rig: Rig) -> None:
    """Whatever of the first was still under way: the second is heard, and its members stay."""
    looking, go_on = threading.Event(), threading.Event()

    def hold_the_first_look() -> None:
        if not looking.is_set():
            looking.set()
            go_on.wait(10)

    async def story() -> None:
        await rig.create()
        first, second = Reader(), Reader()
        await rig.join(first)
        gone = found(rig)
        await rig.write(3)
        await in_database(trim, rig, 2)
        rig.before_rights = hold_the_first_look
        rig.hub._begin_to_authorise(gone)
        await until(looking.is_set)
        await rig.hub.check_heads()
        await until(lambda: first.connection.closing)
        await rig.join(second)
        successor = found(rig)
        go_on.set()
        await until(lambda: gone.authorising is None and gone.filling is None)
        await rig.hub.check_cursor(gone, 3)
        rig.hub._give_up(gone)
        assert found(rig) is successor
        await rig.write(1)
        rig.ring(4)
        await rig.settle(second)
        assert (second.seqs, second.connection.closing, len(rig.bells.subscribed)) == ([4], None, 1)

    run(story())


def found(rig: Rig) -> HubRoom:
    state = rig.hub.find(rig.room.name)
    assert state is not None
    return state


def trim(rig: Rig, seq: int) -> None:
    EventRow.objects.filter(room=rig.room.name, seq__lte=seq).delete()
    RoomHead.objects.filter(room=rig.room.name).update(trimmed=seq)
