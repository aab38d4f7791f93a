"""Boards kept in memory: never an older one than the database's, never more than there is room for."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from traceback import walk_stack
from types import CodeType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.api import projects
from projects.api.boards import SECONDS, Kept
from realtime import rules
from tests.support.processes import eventually


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def board(seq: int, size: int = 10) -> dict[str, Any]:
    return {"seq": seq, "tasks": "x" * size}


def never() -> dict[str, Any]:
    raise AssertionError("read again for nothing")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    """What the view keeps, empty."""
    fresh = Kept()
    monkeypatch.setattr(projects, "KEPT", fresh)
    return fresh


def test_the_same_seq_is_not_read_again() -> None:
    kept = Kept()
    first = kept.get("a", 7, lambda: board(7))
    assert kept.get("a", 7, never) is first


def test_an_older_board_than_the_databases_is_never_given() -> None:
    kept = Kept()
    kept.get("a", 7, lambda: board(7))
    assert kept.get("a", 8, lambda: board(8)).seq == 8


def test_one_read_a_moment_later_serves_who_asked_a_moment_before() -> None:
    kept = Kept()
    kept.get("a", 7, lambda: board(8))  # a write came between the look at the head and the reading
    assert kept.get("a", 7, never).seq == 8


def test_a_board_is_not_kept_for_ever() -> None:
    """A database restored from a copy counts the same numbers again, of other boards."""
    clock = Clock()
    kept = Kept(clock=clock)
    kept.get("a", 7, lambda: board(7))
    clock.now = SECONDS + 1
    with pytest.raises(AssertionError):
        kept.get("a", 7, never)


def test_what_is_kept_has_a_bound_and_the_least_asked_for_goes_first() -> None:
    kept = Kept(most_bytes=1000)
    for key in ("a", "b", "c"):
        kept.get(key, 1, lambda: board(1, 250))
    kept.get("a", 1, never)
    kept.get("d", 1, lambda: board(1, 250))
    assert kept.size <= 1000
    kept.get("a", 1, never)
    with pytest.raises(AssertionError):
        kept.get("b", 1, never)


def test_one_that_is_larger_than_the_bound_is_given_and_not_kept() -> None:
    kept = Kept(most_bytes=100)
    assert kept.get("a", 1, lambda: board(1, 1000)).seq == 1
    assert kept.size == 0


def threads_in(code: CodeType) -> int:
    """How many threads are in a call of it now."""
    frames = sys._current_frames().values()
    return sum(code in {frame.f_code for frame, _ in walk_stack(each)} for each in frames)


def test_those_who_ask_at_once_wait_for_one_reading() -> None:
    """A thousand clients come back after a restart: the database reads a board for them once."""
    kept, reading, readings = Kept(), Event(), []
    together = Barrier(5)

    def read() -> dict[str, Any]:
        readings.append(1)
        assert reading.wait(10)
        return board(1)

    def ask(_: int) -> int:
        together.wait(10)
        return kept.get("a", 1, read).seq

    with ThreadPoolExecutor(5) as pool:
        answers = pool.map(ask, range(5))
        eventually(lambda: threads_in(Kept.get.__code__) == 5, what="all to wait for the one that reads")
        reading.set()
        assert list(answers) == [1] * 5
    assert len(readings) == 1


def test_a_reading_that_fails_is_not_kept_and_keeps_nobody_out() -> None:
    kept = Kept()
    with pytest.raises(AssertionError):
        kept.get("a", 1, never)
    assert kept.get("a", 1, lambda: board(1)).seq == 1


def test_a_board_that_nobody_changed_is_sent_without_being_read(kept, owner, board):
    path = f"{board.path}/board/"
    first = owner.get(path)
    rules.refresh()  # which whoever asks does once in a while
    with CaptureQueriesContext(connection) as queries:
        again = owner.get(path)
    assert (again.content, again["ETag"]) == (first.content, first["ETag"])
    assert len(queries) <= 2, "the reader's right and the head; PostgreSQL takes both in one round trip"


def test_what_is_kept_is_the_board_after_each_change(kept, owner, board):
    path = f"{board.path}/board/?include=commentCounts"
    for title in ("One", "Two"):
        board.add_task(title)
        found = owner.get(path)
        assert found.json() == board.snapshot()
        assert owner.get(path).content == found.content


def test_rights_are_looked_at_each_time(kept, owner, as_, board):
    """What is kept was read for somebody else."""
    path = f"{board.path}/board/"
    assert owner.get(path).status_code == 200
    assert as_("outsider").get(path).status_code == 404
    assert as_("guest").get(path).status_code == 404
    assert as_("viewer").get(path).status_code == 200
    owner.delete(f"/api/members/{board.membership('viewer').pk}/")
    assert as_("viewer").get(path).status_code == 404


def test_a_deleted_project_is_gone_from_there_too(kept, owner, board):
    assert owner.get(f"{board.path}/board/").status_code == 200
    assert owner.delete(f"{board.path}/").status_code == 204
    assert owner.get(f"{board.path}/board/").status_code == 404
