"""Who has left a board and is still assigned to tasks there keeps a name, for whoever sees the board."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from projects import services
from tests.projects.conftest import Board, Client, make_people
from tests.support.locks import waiting_for_a_lock
from tests.support.page import Page
from tests.support.processes import eventually
from tests.support.reducer import replay


def assign(board: Board, place: int, role: str | None) -> None:
    services.task_update(
        actor=board.owner,
        task_id=board.tasks[place].pk,
        changes={"assignee_id": board.people[role].pk if role else None},
    )


def leave(board: Board, role: str) -> None:
    services.member_remove(actor=board.owner, membership_id=board.membership(role).pk)


def named(client: Client, board: Board) -> list[str]:
    shown = json.loads(client.get(f"{board.path}/board/").content)
    return [person["name"] for person in shown["people"]]


@pytest.fixture
def left(board: Board) -> Board:
    """The editor has two tasks and is no member any more."""
    for place in (0, 1):
        assign(board, place, "editor")
    leave(board, "editor")
    return board


def test_whoever_sees_the_board_reads_the_name_and_nobody_else(left, as_):
    for role in ("owner", "viewer"):
        assert named(as_(role), left) == ["Editor"]
    for role in ("editor", "outsider", "guest"):
        assert as_(role).get(f"{left.path}/board/").status_code == 404


def test_a_board_of_members_alone_names_nobody_twice(owner, board):
    assign(board, 0, "editor")
    assert named(owner, board) == []
    leave(board, "viewer")
    assert named(owner, board) == [], "nothing is assigned to them"


def follow(page: Page, board: Board, before: dict) -> list[str]:
    """The names that a client ends with, by the contract's reducer and by the page's."""
    fresh, events = board.snapshot(), board.events(before["seq"])
    assert replay(before, events) == fresh
    assert page.ask("replay", snapshot=before, events=events) == fresh
    return [person["name"] for person in fresh["people"]]


def test_they_are_named_until_nothing_is_assigned_to_them(left, page):
    before = left.snapshot()
    assign(left, 0, None)
    assert follow(page, left, before) == ["Editor"]
    services.task_delete(actor=left.owner, task_id=left.tasks[1].pk)
    assert follow(page, left, before) == []


def test_who_comes_back_is_a_member_again(left, page):
    before = left.snapshot()
    services.member_add(actor=left.owner, project_id=left.id, username="editor", role="viewer")
    assert follow(page, left, before) == []
    leave(left, "editor")
    assert follow(page, left, before) == ["Editor"]


def test_several_stand_in_the_order_of_their_ids(left, page):
    before = left.snapshot()
    assign(left, 2, "viewer")
    leave(left, "viewer")
    assert sorted(follow(page, left, before)) == ["Editor", "Viewer"]
    ids = [person["id"] for person in left.snapshot()["people"]]
    assert ids == sorted(ids)


def test_a_new_name_of_theirs_is_told_where_they_are_named(left, page):
    others = [Board(left.people), Board(left.people)]
    leave(others[1], "editor")  # nothing is assigned to them there
    before, seqs = left.snapshot(), [other.seq for other in others]
    services.user_update(
        actor=left.owner, user_id=left.people["editor"].pk, values={"first_name": "Edith", "last_name": "New"}
    )
    (event,) = left.events(before["seq"])
    assert event["event"] == "person:updated"
    assert event["data"] == {
        "id": str(left.people["editor"].pk),
        "name": "Edith New",
        "username": "editor",
    }
    assert follow(page, left, before) == ["Edith New"]
    assert [other.seq - seq for other, seq in zip(others, seqs, strict=True)] == [1, 0]


def test_a_board_that_a_browser_has_kept_without_them_is_sent_anew(left, owner):
    """Its seq is the same, its shape is not."""
    kept = f'"{left.seq}"'
    assert owner.get(f"{left.path}/board/", If_None_Match=kept).status_code == 200


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("assigned", [True, False])
def test_who_is_removed_while_they_get_another_name_is_told_of_as_what_they_are_then(assigned):
    board = Board(make_people())
    if assigned:
        assign(board, 0, "editor")
    before = board.snapshot()

    def rename() -> None:
        try:
            services.user_update(
                actor=board.owner, user_id=board.people["editor"].pk, values={"first_name": "Edith"}
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            leave(board, "editor")
            renamed = pool.submit(rename)
            eventually(waiting_for_a_lock, what="the new name to wait for the board")
        renamed.result()
    assert replay(before, board.events(before["seq"])) == board.snapshot()
    assert [person["name"] for person in board.snapshot()["people"]] == ["Edith"] * assigned
