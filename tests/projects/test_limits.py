"""A board has limits: what would exceed one is refused, and what makes a board smaller never is."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client as Browser

from projects import services
from projects.errors import LimitReached
from projects.models import Comment, LabelUse, Project, Task, User
from tests.projects.conftest import Board, Client, make_people
from tests.projects.test_concurrency import in_threads

Limit = Callable[..., None]


@pytest.fixture
def limit(settings: Any) -> Limit:
    """`limit(tasks=3)`: so many tasks are allowed on a board."""

    def set_limits(**allowed: int) -> None:
        for name, most in allowed.items():
            of = "USER" if name.startswith("boards") else "BOARD"
            setattr(settings, f"MAX_{name.upper()}_PER_{of}", most)

    return set_limits


def sizes(board: Board) -> dict[str, Any]:
    """What is counted of the board."""
    counted = Project.objects.values("task_count", "comment_count", "characters").get(pk=board.id)
    return {
        **counted,
        "labels": dict(LabelUse.objects.filter(project=board.id).values_list("label", "tasks")),
    }


def looked_up(board: Board) -> dict[str, Any]:
    """The same, by looking at all that is there."""
    tasks = list(Task.objects.filter(project=board.id))
    comments = list(Comment.objects.filter(task__project=board.id))
    labels = [label for task in tasks for label in task.labels]
    texts = [text for task in tasks for text in (task.title, task.description)]
    return {
        "task_count": len(tasks),
        "comment_count": len(comments),
        "characters": sum(map(len, [*texts, *labels, *(comment.text for comment in comments)])),
        "labels": {label: labels.count(label) for label in labels},
    }


def say(board: Board, text: str = "Hello", task: int = 0) -> Comment:
    return services.comment_create(actor=board.owner, task_id=board.tasks[task].pk, text=text)


def test_what_a_board_holds_is_counted_with_each_change(board):
    first, second, third = board.tasks
    own = {"actor": board.owner}
    services.task_update(task_id=first.pk, changes={"labels": ["a", "b"], "description": "Ärger 🎉"}, **own)
    services.task_update(task_id=second.pk, changes={"labels": ["b", "c"], "title": "T"}, **own)
    said = say(board)
    say(board, "Mehr", task=1)
    assert sizes(board) == looked_up(board)
    services.task_update(task_id=first.pk, changes={"labels": ["c"], "description": ""}, **own)
    services.comment_update(comment_id=said.pk, text="Hello again", **own)
    services.task_move(task_id=third.pk, column_id=board.columns[1].pk, after=None, **own)
    assert sizes(board) == looked_up(board)
    services.comment_delete(comment_id=said.pk, **own)
    services.task_delete(task_id=second.pk, **own)
    assert sizes(board) == looked_up(board)
    assert sizes(board)["labels"] == {"c": 1}


def add_task(client: Client, board: Board) -> Any:
    return client.post(f"{board.path}/tasks/", {"title": "T"}, Idempotency_Key="k")


def add_label(client: Client, board: Board) -> Any:
    return client.patch(f"/api/tasks/{board.tasks[0].pk}/", {"labels": ["new"]}, Idempotency_Key="k")


def add_column(client: Client, board: Board) -> Any:
    return client.post(f"{board.path}/columns/", {"name": "C"}, Idempotency_Key="k")


def add_member(client: Client, board: Board) -> Any:
    body = {"username": "outsider", "role": "viewer"}
    return client.post(f"{board.path}/members/", body, Idempotency_Key="k")


def add_comment(client: Client, board: Board) -> Any:
    return client.post(f"/api/tasks/{board.tasks[0].pk}/comments/", {"text": "Hello"}, Idempotency_Key="k")


def add_characters(client: Client, board: Board) -> Any:
    return client.patch(f"/api/tasks/{board.tasks[0].pk}/", {"description": "12345"}, Idempotency_Key="k")


# What adds to a board, by how much, and how much of it the board has before.
ADDITIONS: dict[str, tuple[Callable[[Client, Board], Any], int, int]] = {
    "tasks": (add_task, 1, 3),
    "labels": (add_label, 1, 1),
    "columns": (add_column, 1, 3),
    "members": (add_member, 1, 3),
    "comments": (add_comment, 1, 1),
    "characters": (add_characters, 5, 26),
}


@pytest.fixture
def filled(board: Board) -> Board:
    """The board with a label and a comment."""
    services.task_update(actor=board.owner, task_id=board.tasks[1].pk, changes={"labels": ["old"]})
    say(board)
    return board


@pytest.mark.parametrize("what", ADDITIONS)
def test_one_too_many_is_refused_and_told_in_numbers(what, limit, owner, filled):
    add, step, there = ADDITIONS[what]
    allowed = there + step - 1
    limit(**{what: allowed})
    seq, before = filled.seq, sizes(filled)
    answer = add(owner, filled)
    assert (answer.status_code, answer.data["code"]) == (409, "limit-reached")
    found = {name: answer.data[name] for name in ("limit", "present", "allowed")}
    assert found == {"limit": what, "present": there, "allowed": allowed}
    assert (filled.seq, sizes(filled)) == (seq, before), "a refusal leaves nothing behind"


@pytest.mark.parametrize("what", ADDITIONS)
def test_what_just_fits_is_taken_and_its_repeat_answered_when_the_board_is_full(what, limit, owner, filled):
    add, step, there = ADDITIONS[what]
    limit(**{what: there + step})
    first, again = add(owner, filled), add(owner, filled)
    assert first.status_code < 300, first.data
    assert (again.status_code, again.content) == (first.status_code, first.content)


@pytest.mark.parametrize("what", ADDITIONS)
def test_0_is_no_limit(what, limit, owner, board):
    limit(**{what: 0})
    assert ADDITIONS[what][0](owner, board).status_code < 300


def test_a_board_above_its_limits_is_read_and_changed_and_made_smaller(limit, owner, board):
    services.task_update(actor=board.owner, task_id=board.tasks[0].pk, changes={"labels": ["a", "b", "c"]})
    say(board)
    limit(tasks=1, labels=1, columns=1, members=1, comments=1, characters=1)
    task, other = (f"/api/tasks/{row.pk}/" for row in board.tasks[:2])
    move = {"column": str(board.columns[1].pk), "after": None}
    assert owner.get(f"{board.path}/board/").status_code == 200
    assert owner.post(f"{other}move/", move).status_code == 200
    for change in (
        {"title": "Task"},
        {"title": "Tusk"},
        {"labels": ["a", "b", "d"]},
        {"labels": ["d"]},
        {"dueOn": "2030-01-01"},
    ):
        assert owner.patch(task, change).status_code == 200, change
    assert owner.patch(f"/api/columns/{board.columns[0].pk}/", {"name": "A longer name"}).status_code == 200
    for path in (
        other,
        f"/api/members/{board.membership('viewer').pk}/",
        f"/api/columns/{board.columns[2].pk}/",
    ):
        assert owner.delete(path).status_code == 204
    assert sizes(board) == looked_up(board)


def test_the_admin_is_held_to_the_limits_too_and_says_so(limit, board):
    operator = services.user_create(username="operator", password=None, is_staff=True, is_superuser=True)
    admin = Browser()
    admin.force_login(operator)
    limit(tasks=3)
    fields = {"project": board.id, "column": board.columns[0].pk, "title": "One more", "labels": "[]"}
    answer = admin.post("/admin/projects/task/add/", fields, follow=True)
    assert "3 are allowed" in answer.content.decode()
    assert Task.objects.filter(project=board.id).count() == 3


def test_a_new_project_has_no_more_columns_than_a_board_may_have(limit, owner):
    limit(columns=3)
    refused = owner.post("/api/projects/", {"name": "P", "columns": ["A", "B", "C", "D"]})
    assert (refused.status_code, refused.data["limit"], refused.data["allowed"]) == (409, "columns", 3)
    assert not Project.objects.exists()


def test_a_person_makes_so_many_boards_and_no_more_whoever_owns_them(limit, as_, people):
    limit(boards=2)
    owner, editor = as_("owner"), as_("editor")
    first, second = (owner.post("/api/projects/", {"name": "P"}).data["id"] for _ in range(2))
    refused = owner.post("/api/projects/", {"name": "P"})
    assert (refused.status_code, refused.data["code"]) == (409, "limit-reached")
    found = {name: refused.data[name] for name in ("limit", "present", "allowed")}
    assert found == {"limit": "boards", "present": 2, "allowed": 2}
    assert (
        owner.post(f"/api/projects/{first}/members/", {"username": "editor", "role": "owner"}).status_code
        == 201
    )
    assert editor.post("/api/projects/", {"name": "P"}).status_code == 201, "what others made is not theirs"
    assert owner.delete(f"/api/projects/{second}/").status_code == 204
    assert owner.post("/api/projects/", {"name": "P"}).status_code == 201


def test_others_put_a_person_on_so_many_boards_and_no_more(limit, people, as_):
    limit(boards_by_others=2)
    owner, editor = as_("owner"), as_("editor")
    boards = [owner.post("/api/projects/", {"name": "P"}).data["id"] for _ in range(3)]

    def add(board: str) -> Any:
        return owner.post(f"/api/projects/{board}/members/", {"username": "editor", "role": "editor"})

    first, _ = added = [add(board) for board in boards[:2]]
    assert [answer.status_code for answer in added] == [201, 201]
    refused = add(boards[2])
    assert (refused.status_code, refused.data["code"]) == (409, "limit-reached")
    found = {name: refused.data[name] for name in ("limit", "present", "allowed")}
    assert found == {"limit": "memberships", "present": 2, "allowed": 2}
    with pytest.raises(LimitReached):  # as in the admin
        services.member_add(
            actor=people["owner"], project_id=boards[2], username="editor", role="editor", operator=True
        )
    assert editor.post("/api/projects/", {"name": "P"}).status_code == 201, "their own are not counted"
    assert editor.delete(f"/api/members/{first.data['id']}/").status_code == 204, "they may leave"
    assert add(boards[2]).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_not_get_past_a_limit_together(limit):
    board = Board(make_people())
    limit(tasks=5, labels=2)

    def add(number: int) -> int:
        try:
            board.add_task(f"Task {number}", labels=[f"label {number}"])
        except LimitReached:
            return 409
        return 201

    assert sorted(in_threads(6, add)) == [201, 201, 409, 409, 409, 409]
    assert sizes(board) == looked_up(board)
    assert sizes(board)["task_count"] == 5


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_no_more_boards_than_one_may(limit):
    people = make_people()
    limit(boards=2)

    def add(_: int) -> int:
        try:
            services.project_create(actor=people["owner"], name="P")
        except LimitReached:
            return 409
        return 201

    assert sorted(in_threads(4, add)) == [201, 201, 409, 409]


def test_boards_of_before_are_counted_by_the_migration(board):
    services.task_update(
        actor=board.owner, task_id=board.tasks[0].pk, changes={"labels": ["a"], "description": "Ärger 🎉"}
    )
    say(board)
    Project.objects.update(task_count=0, comment_count=0, characters=0, maker=None)
    LabelUse.objects.all().delete()
    import_module("projects.migrations.0004_fill_sizes").fill(apps, None)
    assert sizes(board) == looked_up(board)
    assert Project.objects.get(pk=board.id).maker == board.owner


def test_a_count_that_is_too_low_refuses_no_deletion(owner, board):
    """Gateways of an earlier version, which do not count, may write while they are replaced."""
    Project.objects.update(task_count=0, characters=0)
    LabelUse.objects.all().delete()
    assert owner.delete(f"/api/tasks/{board.tasks[0].pk}/").status_code == 204
    assert Project.objects.get(pk=board.id).task_count == 0


def test_who_made_a_board_may_be_deleted_once_they_have_left_it(board, people):
    board.make_owner("editor")
    services.member_remove(actor=board.owner, membership_id=board.membership("owner").pk)
    services.user_delete(actor=people["editor"], user_id=board.owner.pk)
    assert not User.objects.filter(username="owner").exists()
    assert Project.objects.get(pk=board.id).maker is None
