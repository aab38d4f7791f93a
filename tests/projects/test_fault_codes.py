"""Refusals in codes and numbers: a page makes sentences for people of them, in its own words."""

from typing import Any
from uuid import uuid4

import orjson
import pytest

from projects import services
from realtime.poll_query import Problem, read_query
from tests.projects.conftest import Board

NOBODY = "0b9c1c1e-0000-4000-8000-000000000001"
FAULTS: list[tuple[str, Any, str]] = [
    ("title", None, "null"),
    ("title", " ", "blank"),
    ("title", "\u200b", "not-visible"),
    ("title", "x" * 201, "too-long"),
    ("title", "a\u202eb", "character"),
    ("title", 7, "wrong-type"),
    ("description", "x" * 20_001, "too-long"),
    ("description", None, "null"),
    ("labels", "bug", "wrong-type"),
    ("labels", [str(number) for number in range(21)], "too-many"),
    ("labels", ["ok", "x" * 41], "too-long"),
    ("labels", ["ok", "\u200b"], "not-visible"),
    ("labels", [7], "wrong-type"),
    ("assignee", "me", "not-an-id"),
    ("assignee", NOBODY, "not-a-member"),
    ("column", 7, "not-an-id"),
    ("column", NOBODY, "not-found"),
    ("dueOn", "2027-02-30", "not-a-date"),
    ("dueOn", "12027-03-15", "not-a-date"),
    ("position", 1, "unknown"),
]


@pytest.mark.parametrize("field, value, code", FAULTS)
def test_what_is_wrong_with_a_field_has_a_code(field, value, code, editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": "T", field: value})
    assert (answer.status_code, answer.data["codes"]) == (400, {field: [code]})
    assert len(answer.data["errors"][field]) == 1


def test_what_is_missing_has_one_and_so_has_each_of_many_faults(editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"dueOn": "x", **{f"n{number}": 1 for number in range(30)}})
    said, codes = answer.data["errors"], answer.data["codes"]
    assert {name: len(each) for name, each in said.items()} == {
        name: len(each) for name, each in codes.items()
    }
    assert (codes["title"], codes["dueOn"], codes["_"]) == (["required"], ["not-a-date"], ["unknown", "more"])


def test_members_lists_and_polls_have_them_too(owner, board):
    members = f"{board.path}/members/"
    for body, codes in (
        ({"username": "nobody-at-all", "role": "viewer"}, {"username": ["not-found"]}),
        ({"username": "outsider", "role": "king"}, {"role": ["not-a-choice"]}),
        ([], {"_": ["wrong-type"]}),
    ):
        assert owner.post(members, body).data["codes"] == codes
    assert owner.get(f"{board.path}/tasks/?limit=0").data["codes"] == {"limit": ["invalid"]}
    assert owner.delete(f"/api/columns/{board.columns[1].pk}/?moveTo={uuid4()}").data["codes"] == {
        "moveTo": ["not-found"]
    }
    with pytest.raises(Problem) as refused:
        read_query(b"since=x&nonsense=1")
    assert orjson.loads(refused.value.body)["codes"] == {"since": ["invalid"], "nonsense": ["invalid"]}


@pytest.mark.parametrize("tasks, sentence", [(1, "holds a task:"), (3, "holds 3 tasks:")])
def test_a_column_that_cannot_go_says_how_many_tasks_it_holds(tasks, sentence, owner, board: Board):
    for task in board.tasks[tasks:]:
        services.task_delete(actor=board.owner, task_id=task.pk)
    answer = owner.delete(f"/api/columns/{board.columns[0].pk}/")
    assert (answer.status_code, answer.data["code"]) == (409, "column-not-empty")
    assert answer.data["present"] == tasks
    assert sentence in answer.data["detail"]
