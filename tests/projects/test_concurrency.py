"""Many at once: the log stays without a hole, a reader skips nothing, a key changes the world once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from django.db import connection

from projects import services
from projects.models import Task
from projects.rooms import room_of
from realtime import eventlog
from tests.projects.conftest import Board, Client, make_people
from tests.support.reducer import replay

WRITERS, WRITES = 20, 10


def in_threads(count: int, act: Callable[[int], Any]) -> list[Any]:
    """`act(0)`, `act(1)` … at once, each in a thread with a connection of its own."""
    barrier = Barrier(count)

    def run(number: int) -> Any:
        barrier.wait()
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def follow(board: Board, written: Event) -> list[int]:
    """The seqs that a polling client sees, up to the head once all is written."""
    seen: list[int] = []
    while True:
        done = written.is_set()
        page = eventlog.since(room_of(board.id), seen[-1] if seen else 0, 50)
        seen += [event.seq for event in page.events]
        if done and not page.more:
            connection.close()
            return seen


def write_all_sorts(board: Board, number: int) -> None:
    for turn in range(WRITES):
        task = board.tasks[(number + turn) % 3]
        if turn % 3 == 0:
            board.add_task(f"{number}.{turn}", after=board.tasks[0].pk)
        elif turn % 3 == 1:
            services.task_move(
                actor=board.owner, task_id=task.pk, column_id=board.columns[number % 3].pk, after=None
            )
        else:
            services.task_update(actor=board.owner, task_id=task.pk, changes={"title": f"{number}.{turn}"})
        connection.close()  # back to the pool, which is smaller than this crowd


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_writers_leave_no_hole_and_a_reader_skips_nothing():
    board = Board(make_people())
    before, written = board.snapshot(), Event()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(follow, board, written)
        try:
            in_threads(WRITERS, lambda number: write_all_sorts(board, number))
        finally:
            written.set()
        seen = reading.result()
    assert seen == list(range(1, board.seq + 1))
    assert replay(before, board.events(before["seq"])) == board.snapshot()


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_time_changes_the_world_once_and_all_get_one_answer():
    board = Board(make_people())
    seq = board.seq

    def send(_: int) -> Any:
        return Client(board.owner).post(f"{board.path}/tasks/", {"title": "Once"}, Idempotency_Key="k")

    found = in_threads(5, send)
    assert {answer.status_code for answer in found} == {201}
    assert len({answer.content for answer in found}) == 1
    assert sum("Idempotent-Replayed" in answer for answer in found) == 4
    assert Task.objects.filter(title="Once").count() == 1
    assert board.seq == seq + 1


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays():
    board = Board(make_people())
    board.make_owner("editor")
    second = board.membership("editor")
    paths = [f"/api/members/{board.membership('owner').pk}/", f"/api/members/{second.pk}/"]
    clients = [Client(board.owner), Client(board.people["editor"])]
    found = in_threads(2, lambda number: clients[number].delete(paths[number]).status_code)
    assert sorted(found) == [204, 409]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_new_name_and_a_new_membership_at_once_never_leave_an_old_name_on_a_board():
    people = make_people()
    boards = [Board(people) for _ in range(6)]

    def act(number: int) -> None:
        if number == 0:
            services.user_update(
                actor=people["owner"], user_id=people["outsider"].pk, values={"first_name": "New"}
            )
        else:
            services.member_add(
                actor=people["owner"], project_id=boards[number].id, username="outsider", role="viewer"
            )

    in_threads(6, act)
    for board in boards[1:]:
        told = [
            event["data"]["user"]["name"] for event in board.events() if event["event"].startswith("member:")
        ]
        assert told[-1] == "New"


@pytest.mark.django_db(transaction=True)
@pytest.mark.logs_errors("the process ends here")
def test_a_crash_between_the_change_and_its_answer_leaves_neither(monkeypatch: pytest.MonkeyPatch):
    board = Board(make_people())
    client = Client(board.owner)
    seq = board.seq

    def crash(**_: Any) -> None:
        raise ConnectionError("the process ends here")

    with monkeypatch.context() as broken:
        broken.setattr(services, "idempotency_keep", crash)
        with pytest.raises(ConnectionError):
            client.post(f"{board.path}/tasks/", {"title": "Once"}, Idempotency_Key="k")
    assert board.seq == seq
    assert client.post(f"{board.path}/tasks/", {"title": "Once"}, Idempotency_Key="k").status_code == 201
