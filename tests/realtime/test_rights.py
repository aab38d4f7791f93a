"""Who may read: one answer for all who ask at once, and never an older one than the question."""

import asyncio
import gc
import itertools
import threading
from collections.abc import Collection

import pytest
from django.db import OperationalError

from realtime.batching import Batch
from realtime.protocol import FrameError
from realtime.rights import Rights
from realtime.rooms import Room, RoomKind, UserId
from tests.realtime.hub_rig import Reader, Rig, run
from tests.support.waiting import until


class Records:
    """What the domain knows about readers; `hold` keeps the next look at it waiting."""

    def __init__(self) -> None:
        self.queries: list[set[UserId]] = []
        self.refused: set[UserId] = set()
        self.looked, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.failure: Exception | None = None

    def readers(self, room_id: str, users: Collection[UserId]) -> set[UserId]:
        self.queries.append(set(users))
        answer = set(users) - self.refused
        self.looked.set()
        self.go_on.wait(10)
        if self.failure is not None:
            raise self.failure
        return answer

    def room(self, name: str = "one") -> Room:
        return Room(RoomKind("board", "boardId", frozenset(), self.readers), name)


def test_five_hundred_joins_at_once_cost_a_few_queries(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[int] = []
    rig.before_rights = lambda: queries.append(1)

    async def story() -> None:
        await rig.create()
        readers = [Reader(str(number)) for number in range(500)]
        rig.refused.add("7")
        answers = await asyncio.gather(*(rig.join(reader) for reader in readers), return_exceptions=True)
        assert [reader for reader, answer in zip(readers, answers, strict=True) if answer] == [readers[7]]

    run(story())
    assert 2 <= len(queries) <= 10


@pytest.mark.parametrize("at_look", [1, 2], ids=["before the room is opened", "with its seat taken"])
def test_a_client_that_leaves_while_its_join_waits_takes_no_seat_and_shows_nobody(
    rig: Rig, at_look: int
) -> None:
    looks = itertools.count(1)
    asked, go_on = threading.Event(), threading.Event()

    def before_rights() -> None:
        if next(looks) == at_look:
            asked.set()
            go_on.wait(10)

    async def story() -> None:
        await rig.create()
        rig.before_rights = before_rights
        reader = Reader("somebody")
        joining = asyncio.ensure_future(rig.join(reader))
        await until(asked.is_set)
        rig.gateway.add(reader.connection)
        rig.gateway.remove(reader.connection)
        go_on.set()
        with pytest.raises(FrameError):
            await joining
        assert not reader.connection.seats
        assert not [seat for state in rig.hub.rooms() for seat in state.seats]
        assert not any(room.ours for room in rig.gateway.presence._rooms.values())

    run(story())


def test_who_could_not_be_checked_does_not_stay(rig: Rig) -> None:
    async def story() -> None:
        await rig.create()
        member, stranger = Reader("member"), Reader("stranger")
        await rig.join(member)

        def fail() -> None:
            raise OperationalError("the database is away")

        rig.before_rights = fail
        with pytest.raises(OperationalError):
            await rig.join(stranger)
        assert not stranger.connection.seats
        (state,) = rig.hub.rooms()
        assert [seat.connection for seat in state.seats] == [member.connection]

    run(story())


def test_who_is_being_checked_is_told_of_nobody(rig: Rig) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def before_rights() -> None:
        asked.set()
        go_on.wait(10)

    async def story() -> None:
        await rig.create()
        await rig.join(Reader("member"))
        rig.before_rights = before_rights
        stranger = Reader("stranger")
        rig.refused.add("stranger")
        joining = asyncio.ensure_future(rig.join(stranger))
        await until(asked.is_set)
        rig.gateway.presence.flush()
        assert not stranger.heard
        go_on.set()
        with pytest.raises(FrameError):
            await joining

    run(story())


def test_an_answer_is_never_older_than_its_question() -> None:
    """Who asks while a query is under way must not get its answer: the right may have gone meanwhile."""
    records = Records()

    async def story() -> None:
        rights, room = Rights(), records.room()
        records.go_on.clear()
        early = asyncio.ensure_future(rights.may_read(room, "member"))
        await until(records.looked.is_set)
        records.refused.add("member")
        late = [asyncio.ensure_future(rights.may_read(room, user)) for user in ("member", "other", "member")]
        await asyncio.sleep(0)
        records.go_on.set()
        assert await early
        assert await asyncio.gather(*late) == [False, True, False]
        assert records.queries == [{"member"}, {"member", "other"}]
        del early, late
        await until(lambda: gc.collect() >= 0 and not rights._asked)
        assert not rights._asked, "a room that nobody asks about is forgotten"

    run(story())


def test_a_failure_reaches_all_who_waited_and_the_next_are_answered() -> None:
    records = Records()

    async def story() -> None:
        rights, room = Rights(), records.room()
        records.failure = RuntimeError("no database")
        asked = [rights.may_read(room, str(number)) for number in range(50)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert {repr(answer) for answer in answers} == {"RuntimeError('no database')"}
        records.failure = None
        assert await rights.may_read(room, "1")

    run(story())


def test_who_leaves_takes_nobodys_answer_away() -> None:
    records = Records()

    async def story() -> None:
        asking: Batch[str, set[str]] = Batch(lambda users: asyncio.to_thread(look, users))
        records.go_on.clear()
        leaving, staying = (asyncio.ensure_future(asking.ask(name)) for name in ("leaves", "stays"))
        await until(records.looked.is_set)
        leaving.cancel()
        records.go_on.set()
        assert "stays" in await staying
        assert asking.idle

    def look(users: set[str]) -> set[str]:
        return {str(user) for user in records.readers("", users)}

    run(story())


def test_rooms_do_not_wait_for_each_other() -> None:
    records = Records()

    async def story() -> None:
        rights, other = Rights(), Records()
        records.go_on.clear()
        held = asyncio.ensure_future(rights.may_read(records.room("one"), "member"))
        await until(records.looked.is_set)
        assert await rights.may_read(other.room("two"), "member")
        records.go_on.set()
        assert await held

    run(story())
