"""One socket, room, order or question that fails is nobody else's business."""

import asyncio
import logging
from typing import Any

import pytest
from django.db import OperationalError

from realtime import enforcement, following
from realtime.background import Background
from realtime.batching import Batch
from realtime.enforcement import Terms
from realtime.models import OperatorAction
from realtime.presence import Presence
from realtime.protocol import CloseCode
from realtime.rules import Rules
from tests.realtime.hub_rig import Reader, Rig, WiredReader, run
from tests.support.waiting import until


class Broken(Reader):
    """A socket that cannot be written to, queued or not."""

    def __init__(self, user: str | None = None, ready: bool = False) -> None:
        super().__init__(user)
        self.connection.wake = self._fail
        if ready:
            self.connection.stream = self._fail

    def _fail(self, *_: object) -> None:
        raise RuntimeError("this socket is broken")


@pytest.fixture(params=["ready frames", "queued frames"])
def broken(request: pytest.FixtureRequest) -> Broken:
    return Broken("broken", ready=request.param == "ready frames")


@pytest.mark.logs_errors("this socket is broken")
def test_an_event_reaches_all_but_the_socket_that_cannot_be_written_to(rig: Rig, broken: Broken) -> None:
    async def story() -> None:
        await rig.create()
        members = [WiredReader("one"), Reader("two")]
        for reader in (members[0], broken, members[1]):
            await rig.join(reader)
        await rig.write(3)
        for seq in (1, 2, 3):
            rig.ring(seq)
            await asyncio.sleep(0)
        await until(lambda: all(reader.seqs == [1, 2, 3] for reader in members))
        assert_closed(broken)

    run(story())


def assert_closed(reader: Reader) -> None:
    """It comes back with its cursor: what it did not get is in the log."""
    assert reader.connection.closing is not None
    assert reader.connection.closing.code == CloseCode.RESTART


@pytest.mark.logs_errors("this socket is broken")
def test_heartbeats_reach_all_but_the_socket_that_cannot_be_written_to(rig: Rig, broken: Broken) -> None:
    async def story() -> None:
        readers = [WiredReader("one"), broken, Reader("two")]
        for reader in readers:
            rig.gateway.add(reader.connection)
            reader.connection.last_frame_at = float("inf")
            reader.connection.heartbeat_at = float("-inf")
        await rig.gateway.rounds.go()
        assert [reader.heard for reader in readers] == [["heartbeat"], [], ["heartbeat"]]
        assert_closed(broken)

    run(story())


@pytest.mark.logs_errors("this socket is broken")
def test_a_drain_reaches_all_but_the_socket_that_cannot_be_written_to(rig: Rig, broken: Broken) -> None:
    async def story() -> None:
        readers = [WiredReader("one"), broken, Reader("two")]
        for reader in readers:
            rig.gateway.add(reader.connection)
        draining = asyncio.ensure_future(rig.gateway.drain(0.03))
        await until(lambda: all(reader.connection.closing for reader in readers))
        draining.cancel()
        assert [reader.heard for reader in readers] == [["system:draining"], [], ["system:draining"]]

    run(story())


@pytest.mark.logs_errors("RuntimeError: board:fails")
def test_presence_is_told_in_all_rooms_but_the_one_that_fails(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def speak(self: Presence, name: str, *_: object) -> None:
        told.append(name)
        if name == "board:fails":
            raise RuntimeError(name)

    monkeypatch.setattr(Presence, "_speak", speak)
    rig.gateway.presence._restless = {"board:one", "board:fails", "board:two"}
    rig.gateway.presence.flush()
    assert sorted(told) == ["board:fails", "board:one", "board:two"]


@pytest.mark.logs_errors("an order of its own kind")
def test_an_order_that_fails_keeps_no_later_one_from_being_carried_out(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried_out: list[int] = []

    def carry_out(self: object, order: OperatorAction) -> None:
        if order.seq == 1:
            raise RuntimeError("an order of its own kind")
        carried_out.append(order.seq)

    async def story() -> None:
        followed = rig.gateway.following
        followed._carry_out_all([OperatorAction(seq=seq) for seq in (1, 2)])

    monkeypatch.setattr(following.Following, "_carry_out", carry_out)
    run(story())
    assert carried_out == [2]


@pytest.mark.logs_errors("RuntimeError: odd")
def test_a_connection_that_the_rules_cannot_be_laid_over_keeps_no_other_from_being_closed(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = enforcement.ground

    def odd(terms: Terms, *rest: Any, **more: Any) -> Any:
        if terms.address == "odd":
            raise RuntimeError(terms.address)
        return ground(terms, *rest, **more)

    async def story() -> None:
        readers = [Reader("one"), Reader("odd"), Reader("two")]
        readers[1].connection.address = "odd"
        for reader in readers:
            rig.gateway.add(reader.connection)
        rig.gateway.following._obey(Rules(seq=1, operators={"realtime": False}))
        closed = [bool(reader.connection.closing) for reader in readers]
        assert closed == [True, False, True]

    monkeypatch.setattr(enforcement, "ground", odd)
    run(story())


def test_one_question_that_cannot_be_answered_fails_for_who_asked_it_alone() -> None:
    asked: list[set[int]] = []

    async def look(questions: set[int]) -> set[int]:
        asked.append(questions)
        await asyncio.sleep(0)
        if 13 in questions:
            raise ValueError("13")
        return questions

    async def story() -> None:
        batch: Batch[int, set[int]] = Batch(look)
        answers = await asyncio.gather(*map(batch.ask, range(64)), return_exceptions=True)
        assert [number for number, answer in enumerate(answers) if isinstance(answer, ValueError)] == [13]
        assert all(number in answer for number, answer in enumerate(answers) if isinstance(answer, set))
        assert len(asked) <= 14  # halves of halves, and not one by one

    run(story())


def test_a_fault_that_stays_costs_few_queries_however_many_ask() -> None:
    """A table that is missing: each query fails, and who asks next waits for them."""
    asked: list[set[int]] = []

    async def look(questions: set[int]) -> set[int]:
        asked.append(questions)
        raise ValueError("always")

    async def story() -> None:
        answers = await asyncio.gather(*map(Batch(look).ask, range(1024)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {ValueError}

    run(story())
    assert len(asked) <= 2 * 10 + 1


def test_two_questions_that_cannot_be_answered_fail_for_who_asked_them_alone() -> None:
    async def look(questions: set[int]) -> set[int]:
        if questions & wrong:
            raise ValueError
        return questions

    async def story() -> None:
        answers = await asyncio.gather(*map(Batch(look).ask, range(16)), return_exceptions=True)
        assert {number for number, answer in enumerate(answers) if isinstance(answer, ValueError)} == wrong

    for first in range(16):
        for second in range(16):
            wrong = {first, second}
            run(story())


def test_an_outage_fails_for_all_who_asked_at_once() -> None:
    asked: list[set[int]] = []

    async def look(questions: set[int]) -> set[int]:
        asked.append(questions)
        raise OperationalError("the connection is lost")

    async def story() -> None:
        answers = await asyncio.gather(*map(Batch(look).ask, range(64)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {OperationalError}

    run(story())
    assert len(asked) == 1


@pytest.mark.parametrize(
    "failure, traceback",
    [
        (OperationalError("the connection is lost"), False),
        pytest.param(RuntimeError("a fault of ours"), True, marks=pytest.mark.logs_errors("a fault of ours")),
    ],
)
def test_a_task_that_fails_says_so_an_outage_in_a_line_and_a_fault_with_its_traceback(
    caplog: pytest.LogCaptureFixture, failure: Exception, traceback: bool
) -> None:
    async def fail() -> None:
        raise failure

    async def story() -> None:
        tasks = Background()
        await tasks.spawn("looking up users", fail())
        assert not tasks

    with caplog.at_level(logging.WARNING):
        run(story())
    (record,) = caplog.records
    assert "looking up users" in record.getMessage()
    assert bool(record.exc_info) is traceback


def test_an_order_to_look_users_up_during_an_outage_is_a_line_in_the_log(
    rig: Rig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> Any:
        raise OperationalError("the connection is lost")

    async def story() -> None:
        reader = Reader("one")
        rig.gateway.add(reader.connection)
        monkeypatch.setattr("realtime.log_in_watch.aside", away)
        rig.gateway._hear({"kind": "order", "order": "user-changed", "user": "one"})
        await until(lambda: caplog.records)
        await asyncio.sleep(0)

    run(story())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
