"""Boards kept in memory: never an older one than the database's, never more than there is room for."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Lock
from traceback import walk_stack
from types import CodeType
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from projects.api import boards, projects
from projects.api.boards import AHEAD_SECONDS, SECONDS, Board, BoardCache, RawJson
from realtime import rules
from tests.projects.conftest import Board as Project
from tests.projects.conftest import Client, make_people
from tests.projects.test_concurrency import in_threads
from tests.support.processes import eventually


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def board(seq: int, size: int = 10) -> Board:
    return Board(seq, RawJson(b"x" * size))


def never() -> Board:
    raise AssertionError("read again for nothing")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> BoardCache:
    """What the view keeps, empty."""
    fresh = BoardCache()
    monkeypatch.setattr(projects, "board_cache", fresh)
    return fresh


def test_the_same_seq_is_not_read_again() -> None:
    kept = BoardCache()
    first = kept.get("a", 7, lambda: board(7))
    assert kept.get("a", 7, never) is first


def test_an_older_board_than_the_databases_is_never_given() -> None:
    kept = BoardCache()
    kept.get("a", 7, lambda: board(7))
    assert kept.get("a", 8, lambda: board(8)).seq == 8


def test_one_read_a_moment_later_serves_who_asked_a_moment_before() -> None:
    kept = BoardCache()
    kept.get("a", 7, lambda: board(8))  # a write came between the look at the head and the reading
    assert kept.get("a", 7, never).seq == 8


def test_a_board_that_stays_ahead_of_the_database_is_not_given() -> None:
    """A failover has lost what it shows: who loads it anew would be told the same again."""
    clock = Clock()
    kept = BoardCache(clock=clock)
    kept.get("a", 9, lambda: board(9))
    clock.now = AHEAD_SECONDS + 0.1
    assert kept.get("a", 7, lambda: board(7)).seq == 7
    assert kept.get("a", 7, never).seq == 7


def test_a_board_is_not_kept_for_ever() -> None:
    """A database restored from a copy counts the same numbers again, of other boards."""
    clock = Clock()
    kept = BoardCache(clock=clock)
    kept.get("a", 7, lambda: board(7))
    clock.now = SECONDS + 1
    with pytest.raises(AssertionError):
        kept.get("a", 7, never)


def test_what_is_kept_has_a_bound_and_the_least_asked_for_goes_first() -> None:
    kept = BoardCache(most_bytes=1000)
    for key in ("a", "b", "c"):
        kept.get(key, 1, lambda: board(1, 300))
    kept.get("a", 1, never)
    kept.get("d", 1, lambda: board(1, 300))
    assert kept.size <= 1000
    kept.get("a", 1, never)
    with pytest.raises(AssertionError):
        kept.get("b", 1, never)


def test_one_that_is_larger_than_the_bound_is_given_and_not_kept() -> None:
    kept = BoardCache(most_bytes=100)
    assert kept.get("a", 1, lambda: board(1, 1000)).seq == 1
    assert kept.size == 0


def threads_in(code: CodeType) -> int:
    """How many threads are in a call of it now."""
    frames = sys._current_frames().values()
    return sum(code in {frame.f_code for frame, _ in walk_stack(each)} for each in frames)


class Crowd:
    """Five who ask for one board at once; the reading ends when `go` is set."""

    def __init__(self, cache: BoardCache, answer: Callable[[], Board]) -> None:
        self.cache, self.answer = cache, answer
        self.go = Event()
        self.readings = 0
        self._together = Barrier(5)

    def _read(self) -> Board:
        self.readings += 1
        assert self.go.wait(10)
        return self.answer()

    def _ask(self, seq: int) -> int | str:
        self._together.wait(10)
        try:
            return self.cache.get("a", seq, self._read).seq
        except LookupError as failure:
            return str(failure)

    def ask(self, *seqs: int) -> list[int | str]:
        with ThreadPoolExecutor(5) as pool:
            answers = pool.map(self._ask, seqs)
            in_get = BoardCache.get.__code__
            eventually(lambda: threads_in(in_get) == 5, what="all to wait for the one that reads")
            self.go.set()
            return list(answers)


@pytest.mark.parametrize("most_bytes", [1000, 1], ids=["kept", "too large to be kept"])
def test_those_who_ask_at_once_wait_for_one_reading(most_bytes: int) -> None:
    """A thousand clients come back after a restart: the database reads a board for them once."""
    crowd = Crowd(BoardCache(most_bytes), lambda: board(1))
    assert crowd.ask(1, 1, 1, 1, 1) == [1] * 5
    assert crowd.readings == 1


def test_whoever_needs_a_newer_board_than_is_being_read_has_it_read_again() -> None:
    cache, go = BoardCache(), Event()

    def read_early() -> Board:
        assert go.wait(10)
        return board(1)

    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(cache.get, "a", 1, read_early)
        eventually(lambda: threads_in(read_early.__code__) == 1, what="one to read")
        late = pool.submit(cache.get, "a", 2, lambda: board(2))
        eventually(lambda: threads_in(BoardCache.get.__code__) == 2, what="another to wait")
        go.set()
        assert (early.result(10).seq, late.result(10).seq) == (1, 2)


def test_a_reading_that_fails_fails_for_all_who_wait_for_it() -> None:
    """Else each would wait for a database that is away in turn."""

    def fail() -> Board:
        raise LookupError("away")

    crowd = Crowd(BoardCache(), fail)
    assert crowd.ask(1, 1, 1, 1, 1) == ["away"] * 5
    assert crowd.readings == 1


@pytest.mark.django_db(transaction=True)
def test_of_large_boards_one_is_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    people = make_people()
    paths = [f"{Project(people).path}/board/" for _ in range(4)]
    read, lock, most = boards._read, Lock(), []
    monkeypatch.setattr(boards, "LARGE", 1)
    monkeypatch.setattr(projects, "board_cache", BoardCache())

    def alone(*given: Any) -> Board:
        free = lock.acquire(blocking=False)
        most.append(free)
        found = read(*given)
        if free:
            lock.release()
        return found

    monkeypatch.setattr(boards, "_read", alone)
    owner = Client(people["owner"])
    statuses = in_threads(8, lambda number: owner.get(paths[number % 4]).status_code)
    assert statuses == [200] * 8
    assert most == [True] * 4


def test_a_reading_that_fails_is_not_kept_and_keeps_nobody_out() -> None:
    kept = BoardCache()
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
