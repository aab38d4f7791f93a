"""The board: one snapshot in order, cheap to ask for again, at a price that does not grow."""

from datetime import UTC
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projects import events, selectors, services
from projects.models import Task
from realtime import rules
from tests.projects.conftest import ROLES, Board


def test_a_board_is_exactly_what_the_contract_says(owner, board):
    found = owner.get(f"{board.path}/board/").json()
    assert list(found) == ["seq", "project", "members", "columns", "tasks", "people"]
    assert found["seq"] == board.seq
    assert found["project"] == {"id": str(board.id), "name": "Board", "public": False}
    assert found["members"][0] == {
        "id": str(board.membership("owner").pk),
        "user": {"id": str(board.owner.pk), "name": "Owner", "username": "owner"},
        "role": "owner",
    }
    assert found["columns"][0] == {
        "id": str(board.columns[0].pk),
        "name": "To do",
        "done": False,
        "position": 0,
    }
    assert found["tasks"][0] == owner.get(f"/api/tasks/{board.tasks[0].pk}/").data


def test_tasks_stand_in_the_order_of_their_columns_then_of_their_positions(owner, board):
    board.add_task("Top of the last", column_id=board.columns[2].pk)
    board.add_task("Middle", column_id=board.columns[1].pk)
    services.column_move(actor=board.owner, column_id=board.columns[2].pk, after=None)
    titles = [task["title"] for task in owner.get(f"{board.path}/board/").json()["tasks"]]
    assert titles == ["Top of the last", "Task 0", "Task 1", "Task 2", "Middle"]


def test_equal_positions_are_told_apart_by_id(owner, board):
    Task.objects.filter(project=board.project).update(position=5)
    found = [task["id"] for task in owner.get(f"{board.path}/board/").json()["tasks"]]
    assert found == sorted(found)


def test_comment_counts_come_only_when_asked_for(owner, board):
    for _ in range(2):
        services.comment_create(actor=board.owner, task_id=board.tasks[1].pk, text="Hello")
    found = owner.get(f"{board.path}/board/?include=commentCounts").json()
    assert found["commentCounts"] == {str(board.tasks[1].pk): 2}
    assert "commentCounts" not in owner.get(f"{board.path}/board/").json()


@pytest.mark.parametrize("query", ["?include=everything", "?includes=commentCounts", "?include="])
def test_an_unknown_query_is_refused_and_the_allowed_one_named(query, owner, board):
    answer = owner.get(f"{board.path}/board/{query}")
    assert answer.status_code == 400
    assert answer.data["errors"]


def test_an_unchanged_board_is_not_sent_again(owner, board):
    tag = owner.get(f"{board.path}/board/")["ETag"]
    rules.refresh()  # which whoever asks does once in a while
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = owner.get(f"{board.path}/board/", If_None_Match=f'"other", W/{tag}')
    assert (answer.status_code, answer["ETag"], answer.data) == (304, tag, None)
    assert len(queries) == 2, "the reader's right and the head, nothing of the board"
    board.add_task()
    again = owner.get(f"{board.path}/board/", If_None_Match=tag)
    assert again.status_code == 200
    assert again["ETag"] != tag


def test_the_two_variants_of_a_board_have_tags_of_their_own(owner, board):
    plain = owner.get(f"{board.path}/board/")["ETag"]
    assert owner.get(f"{board.path}/board/?include=commentCounts", If_None_Match=plain).status_code == 200


@pytest.mark.parametrize("role", ["outsider", "guest"])
def test_a_tag_tells_nobody_that_a_private_board_is_there(role, as_, board):
    assert as_(role).get(f"{board.path}/board/", If_None_Match="*").status_code == 404


def queries_of(board: Board, reader: Any) -> int:
    with CaptureQueriesContext(connection) as queries:
        selectors.board(reader, board.id, comment_counts=True)
    return len(queries)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("outsider", "guest")])
def test_a_large_board_costs_as_many_queries_as_a_small_one(role, board, people):
    small = queries_of(board, people[role])
    for number in range(40):
        task = board.add_task(f"More {number}", assignee_id=people["editor"].pk)
        services.comment_create(actor=people["editor"], task_id=task.pk, text="Hello")
        username = f"person{number}"
        services.user_create(username=username, password=None)
        services.member_add(actor=board.owner, project_id=board.id, username=username, role="viewer")
    assert queries_of(board, people[role]) == small


@pytest.mark.parametrize("entity", ["projects", "members", "columns", "tasks", "comments"])
def test_a_long_list_costs_as_many_queries_as_a_short_one(entity, owner, board, people):
    task = board.tasks[0]
    path = {
        "projects": "/api/projects/",
        "comments": f"/api/tasks/{task.pk}/comments/",
    }.get(entity, f"{board.path}/{entity}/")

    def queries() -> int:
        rules.refresh()  # which whoever asks does once in a while
        with CaptureQueriesContext(connection) as captured:
            assert owner.get(path).status_code == 200
        return len(captured)

    short = queries()
    for number in range(10):
        services.project_create(actor=board.owner, name="More")
        services.user_create(username=f"person{number}", password=None)
        services.member_add(actor=board.owner, project_id=board.id, username=f"person{number}", role="viewer")
        services.column_create(actor=board.owner, project_id=board.id, name="More")
        board.add_task("More")
        services.comment_create(actor=people["editor"], task_id=task.pk, text="Hello")
    assert queries() == short


def test_what_one_person_may_see_is_kept_for_nobody_else(owner, board):
    for path in (f"{board.path}/board/", "/api/projects/", "/api/me/"):
        assert owner.get(path)["Cache-Control"] == "private, no-cache"


@given(
    moments=st.tuples(*2 * [st.datetimes(timezones=st.just(UTC))]),
    due=st.none() | st.dates(),
    labels=st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), max_size=3),
    assigned=st.booleans(),
)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_boards_tasks_are_the_events_own_to_the_letter(moments, due, labels, assigned, board):
    """The database makes a board's texts, Python an event's."""
    Task.objects.filter(pk=board.tasks[0].pk).update(
        created_at=moments[0],
        updated_at=moments[1],
        due_on=due,
        labels=labels,
        assignee=board.owner if assigned else None,
    )
    row = Task.objects.get(pk=board.tasks[0].pk)
    assert events.task(row) in board.snapshot()["tasks"]
