"""The hub: whatever becomes of the bell, every live seat gets every event, in order, once."""

import asyncio
import threading
import time
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from realtime import eventlog
from realtime.commands import Commands
from realtime.connection import Identity, Seat
from realtime.database import in_database
from realtime.protocol import CloseCode, Command, FrameError
from tests.realtime.hub_rig import Bells, Reader, Rig, WiredReader, run
from tests.support.waiting import until

SLOW_SECONDS = 1.0
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "write", "ring", "ring", "again", "join", "resume", "leave", "heads", "turn", "clear"]
        ),
        st.integers(0, 999),
    ),
    min_size=4,
    max_size=30,
)


class Story:
    """Carries out one random sequence of writes, bells, joins and leaves."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.written = 0
        self.unrung: list[int] = []
        self.present: list[Reader] = []
        self.gone: list[Reader] = []

    @property
    def wired(self) -> list[WiredReader]:
        return [reader for reader in self.present if isinstance(reader, WiredReader)]

    async def step(self, name: str, number: int) -> None:
        match name:
            case "write":
                count = 1 + number % 3
                await self.rig.write(count)
                self.unrung += range(self.written + 1, self.written + count + 1)
                self.written += count
            case "ring" if self.unrung:
                self.rig.ring(self.unrung.pop(number % len(self.unrung)))
            case "again" if self.written:
                self.rig.ring(1 + number % self.written)
            case "join" | "resume":
                self.present.append(WiredReader() if number % 3 else Reader())
                since = number % (self.written + 1) if name == "resume" else None
                await self.rig.join(self.present[-1], since)
            case "leave" if self.present:
                leaving = self.present.pop(number % len(self.present))
                for seat in list(leaving.connection.seats.values()):
                    self.rig.gateway.leave(seat)
                self.gone.append(leaving)
            case "clear" if self.wired:
                wire = self.wired[number % len(self.wired)].wire
                wire.set_clear(not wire.clear)
            case "heads":
                await self.rig.hub.check_heads()
            case _:
                await asyncio.sleep(0)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_every_seat_gets_every_event_once_and_in_order_whatever_the_bell_does(
    transactional_db: None, bells: Bells, steps: list[tuple[str, int]]
) -> None:
    """Bells that never ring, ring late, twice or in the wrong order, while people come with any cursor."""

    async def story() -> None:
        told = Story(Rig(bells))
        await told.rig.create()
        for name, number in steps:
            await told.step(name, number)
        for wired in told.wired:
            wired.wire.set_clear(True)
        await told.rig.settle(*told.present)
        head = await told.rig.head()
        for reader in told.present:
            assert reader.seqs == list(range(reader.joined_at + 1, head + 1))
        for reader in told.gone:
            assert reader.seqs == list(range(reader.joined_at + 1, reader.joined_at + len(reader.seqs) + 1))

    run(story())


def test_a_stream_faster_than_the_bell_loses_nobody(rig: Rig) -> None:
    """More events than one page, more than may wait, and no bell at all: the log has them."""

    async def story() -> None:
        await rig.create()
        live, behind = Reader(), Reader()
        await rig.join(live)
        await rig.write(1200)
        await rig.join(behind, since=3)
        await rig.settle(live, behind)
        assert live.seqs == list(range(1, 1201))
        assert behind.seqs == list(range(4, 1201))

    run(story())


def test_a_late_bell_is_waited_for_and_not_read_from_the_log(rig: Rig, bells: Bells) -> None:
    """Two commits often ring in the other order: a query for each would double the database's work."""
    before = gap_fills()

    async def story() -> None:
        await rig.create()
        reader = Reader()
        await rig.join(reader)
        await rig.write(2)
        rig.ring(2)
        for _ in range(5):
            await asyncio.sleep(0)
        assert reader.seqs == []
        rig.ring(1)
        await asyncio.sleep(0)
        assert reader.seqs == [1, 2]
        state = rig.hub.find(rig.room.name)
        await until(lambda: state is None or state.filling is None)

    run(story())
    assert gap_fills() == before


def test_a_client_that_knows_more_than_its_gateway_hears_nothing_twice(rig: Rig) -> None:
    """It wrote through another gateway, read the answer, and joined here before the bell rang."""

    async def story() -> None:
        await rig.create()
        first, ahead = Reader(), Reader()
        await rig.join(first)
        await rig.write(3)
        await rig.join(ahead, since=2)
        await rig.settle(first, ahead)
        assert first.seqs == [1, 2, 3]
        assert ahead.seqs == [3]

    run(story())


def test_a_room_is_subscribed_to_once_however_many_come_at_once(rig: Rig, bells: Bells) -> None:
    async def story() -> None:
        await rig.create()
        readers = [Reader() for _ in range(20)]
        await asyncio.gather(*(rig.join(reader) for reader in readers))
        assert len(bells.subscribed) == 1
        await rig.write()
        rig.ring(1)
        await asyncio.sleep(0)
        assert all(reader.seqs == [1] for reader in readers)

    run(story())


def test_a_room_that_is_not_there_leaves_nothing_behind(rig: Rig, bells: Bells) -> None:
    async def story() -> None:
        with pytest.raises(FrameError) as caught:
            await rig.join(Reader())
        assert caught.value.code == "not-found"
        await until(lambda: not bells.subscribed)
        assert (rig.hub.rooms(), bells.subscribed) == ([], [])
        await rig.create()
        await rig.join(Reader())
        assert len(bells.subscribed) == 1

    run(story())


@pytest.mark.parametrize("since", [4, 2**62])
def test_a_cursor_beyond_the_head_is_refused(rig: Rig, since: int) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(3)
        with pytest.raises(FrameError) as caught:
            await rig.join(Reader(), since)
        assert caught.value.code == "history-trimmed"

    run(story())


def hold(looking: threading.Event, answer: threading.Event) -> None:
    """Say that rights are being read, and keep the reader until it may go on."""
    looking.set()
    answer.wait(5)


# --- Rights ---------------------------------------------------------------------------------------


def test_who_loses_the_right_to_read_hears_of_it_and_of_nothing_after(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        removed, member = Reader("removed"), Reader("member")
        for reader in (removed, member):
            await rig.join(reader)
        rig.refused.add("removed")
        await rig.write(1, reauthorise=True)
        await rig.write(2)
        for seq in (3, 2, 1):
            rig.ring(seq)
        await rig.settle(member)
        assert member.seqs == [1, 2, 3]
        assert removed.seqs == [1]
        assert removed.errors == ["forbidden"]
        assert removed.connection.seats == {}

    run(story())


def test_nothing_is_delivered_while_it_is_open_who_may_read(rig: Rig) -> None:
    looking, answer = threading.Event(), threading.Event()

    async def story() -> None:
        await rig.create()
        member = Reader("member")
        await rig.join(member)
        rig.before_rights = lambda: hold(looking, answer)
        await rig.write(1, reauthorise=True)
        await rig.write(1)
        rig.ring(1)
        rig.ring(2)
        await until(looking.is_set)
        assert member.seqs == [1]
        answer.set()
        await rig.settle(member)
        assert member.seqs == [1, 2]

    run(story())


def test_what_is_read_from_the_log_waits_for_the_rights_too(rig: Rig) -> None:
    """The bell was lost, so the event that takes the rights and those behind it come as one page."""

    async def story() -> None:
        await rig.create()
        member, removed = Reader("member"), Reader("removed")
        for reader in (member, removed):
            await rig.join(reader)
        rig.refused.add("removed")
        await rig.write(1, reauthorise=True)
        await rig.write(3)
        await rig.settle(member)
        assert member.seqs == [1, 2, 3, 4]
        assert removed.seqs == [1]

    run(story())


def test_a_socket_that_changes_its_user_while_that_is_looked_at_is_looked_at_again(rig: Rig) -> None:
    """It must not keep the seat of who it was."""
    looking, answer = threading.Event(), threading.Event()

    async def story() -> None:
        await rig.create()
        changing = Reader("member")
        await rig.join(changing)
        rig.before_rights = lambda: hold(looking, answer)
        rig.gateway.changed_users.look(changing.connection)
        await until(looking.is_set)
        rig.refused.add("outsider")
        changing.connection.identity = Identity("outsider", "outsider", "outsider")
        rig.gateway.changed_users.look(changing.connection)
        answer.set()
        await until(lambda: changing.errors)
        assert changing.errors == ["forbidden"]

    run(story())


def test_while_a_socket_changes_its_user_it_hears_nothing_and_the_others_go_on(rig: Rig) -> None:
    """Once it is known that it may stay it gets what it has missed, in order and once."""
    looking, answer = threading.Event(), threading.Event()

    async def story() -> None:
        await rig.create()
        changing, member = Reader("one"), Reader("member")
        for reader in (changing, member):
            await rig.join(reader)
        rig.before_rights = lambda: hold(looking, answer)
        changing.connection.identity = Identity("another", "another", "another")
        rig.gateway.changed_users.look(changing.connection)
        await until(looking.is_set)
        await rig.write(3)
        for seq in (1, 2, 3):
            rig.ring(seq)
        await until(lambda: member.seqs == [1, 2, 3])
        assert changing.seqs == []
        answer.set()
        await rig.settle(changing)
        await rig.write(1)
        rig.ring(4)
        await rig.settle(changing, member)
        assert changing.seqs == member.seqs == [1, 2, 3, 4]

    run(story())


def test_who_is_looked_at_amid_their_join_hears_nothing_before_it_is_answered(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        await rig.write(2)
        joining = Reader("member")
        commands = Commands(rig.gateway, joining.connection)
        answer = await commands.run(Command(1, "board:join", {"boardId": rig.room.id, "since": 0}))
        rig.gateway.changed_users.look(joining.connection)
        await until(lambda: not rig.gateway.changed_users._looks)
        assert joining.seqs == []
        answer.then()
        await until(lambda: joining.seqs == [1, 2])

    run(story())


@pytest.mark.logs_errors("a member was put out and not told")
def test_a_room_goes_on_although_one_who_was_put_out_could_not_be_told(rig: Rig) -> None:
    """Else it is deaf for good, and the second who may no longer read stays in."""
    told: list[Seat] = []

    def fail(seat: Seat) -> None:
        told.append(seat)
        raise RuntimeError

    async def story() -> None:
        await rig.create()
        member, *removed = Reader("member"), Reader("removed"), Reader("removed")
        for reader in (member, *removed):
            await rig.join(reader)
        rig.refused.add("removed")
        rig.hub._ejected = fail
        await rig.write(1, reauthorise=True)
        rig.ring(1)
        await rig.write(1)
        rig.ring(2)
        await rig.settle(member)
        assert member.seqs == [1, 2]
        assert [reader.seqs for reader in removed] == [[1], [1]]
        assert len(told) == 2

    run(story())


@pytest.mark.parametrize("expires_at", [1.0, None], ids=["run out", "of nobody any more"])
def test_strict_mode_looks_at_the_credentials_again_at_each_join(rig: Rig, expires_at: float | None) -> None:
    async def story() -> None:
        await rig.create()
        stranger = Reader()
        user = str(uuid4())
        stranger.connection.identity = Identity(user, user, user, expires_at)
        await rig.join(stranger)
        rig.gateway.following.policy = replace(rig.gateway.policy, strict=True)
        with pytest.raises(FrameError) as caught:
            await rig.join(stranger)
        assert (caught.value.code, caught.value.close_code) == ("unauthenticated", CloseCode.UNAUTHENTICATED)

    run(story())


def test_latency_is_counted_from_the_commit(rig: Rig) -> None:
    """What a service does in the transaction after its event is the write's own time."""

    def write_slowly() -> None:
        with eventlog.writing(rig.room) as log:
            log.append("note:written", {}, actor=None)
            time.sleep(SLOW_SECONDS)

    async def story() -> None:
        await rig.create()
        await rig.join(Reader())
        before, count = latency("sum"), latency("count")
        await in_database(write_slowly)
        rig.ring(1)
        await until(lambda: latency("count") == count + 1)
        assert latency("sum") - before < SLOW_SECONDS / 2

    run(story())


def latency(part: str) -> float:
    return REGISTRY.get_sample_value(f"websocket_latency_seconds_{part}") or 0.0


def gap_fills() -> float:
    return REGISTRY.get_sample_value("websocket_gap_fills_total") or 0.0
