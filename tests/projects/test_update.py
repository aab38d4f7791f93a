"""PATCH: what changes, what stays, and that nothing is told where nothing changed."""

from typing import Any
from uuid import uuid4

import pytest

from projects import services
from projects.models import Task
from projects.rooms import PROJECT
from realtime.models import Event


def test_a_change_counts_the_version_up_and_tells_the_whole_task(editor, board):
    task = board.tasks[0]
    answer = editor.patch(f"/api/tasks/{task.pk}/", {"title": "Renamed", "labels": ["a"]})
    assert answer.status_code == 200
    assert (answer.data["title"], answer.data["version"], answer["ETag"]) == ("Renamed", 2, '"2"')
    assert answer.data["updatedAt"] >= answer.data["createdAt"]
    (event,) = board.events(board.seq - 1)
    assert event["event"] == "task:updated"
    assert event["data"] == answer.data
    assert event["actor"] == {"id": str(board.people["editor"].pk), "name": "Editor"}


def test_fields_can_be_emptied(editor, board, people):
    task = board.add_task(description="d", assignee_id=people["editor"].pk, labels=["a"], due_on="2030-01-01")
    empty: dict[str, Any] = {"description": "", "assignee": None, "labels": [], "dueOn": None}
    answer = editor.patch(f"/api/tasks/{task.pk}/", empty)
    assert answer.data | empty == answer.data


def test_a_task_is_not_given_to_somebody_who_is_no_member(editor, board, people):
    path, seq = f"/api/tasks/{board.tasks[0].pk}/", board.seq
    for nobody in (people["outsider"].pk, uuid4()):
        answer = editor.patch(path, {"assignee": str(nobody)})
        assert answer.status_code == 400
        assert "assignee" in answer.data["errors"]
    assert board.seq == seq


@pytest.mark.parametrize("given", [{}, {"title": "Task 0"}, {"title": "Task 0", "labels": []}])
def test_a_change_that_changes_nothing_writes_nothing(given, editor, board):
    before, seq = editor.get(f"/api/tasks/{board.tasks[0].pk}/").data, board.seq
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", given)
    assert (answer.status_code, answer.data) == (200, before)
    assert board.seq == seq


def test_the_same_holds_for_every_other_entity(owner, board):
    comment = services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    viewer = board.membership("viewer")
    seq = board.seq
    for path, given in (
        (f"{board.path}/", {"name": "Board", "public": False}),
        (f"/api/columns/{board.columns[0].pk}/", {"name": "To do"}),
        (f"/api/members/{viewer.pk}/", {"role": "viewer"}),
        (f"/api/comments/{comment.pk}/", {"text": "Hello"}),
    ):
        before = owner.get(path).data
        for change in (given, {}):
            answer = owner.patch(path, change)
            assert (answer.status_code, answer.data) == (200, before)
    assert board.seq == seq


def test_a_comment_is_changed_by_its_author_alone(owner, editor, board):
    comment = services.comment_create(actor=board.people["editor"], task_id=board.tasks[0].pk, text="Hello")
    assert owner.patch(f"/api/comments/{comment.pk}/", {"text": "Mine"}).status_code == 403
    answer = editor.patch(f"/api/comments/{comment.pk}/", {"text": "Changed"})
    assert (answer.status_code, answer.data["text"]) == (200, "Changed")
    assert Task.objects.get(pk=board.tasks[0].pk).version == 1, "a comment is no change of the task"


def test_closing_a_public_project_has_every_listener_authorised_anew(as_, public_board):
    owner = as_("owner")
    room = f"{PROJECT.name}:{public_board.id}"
    owner.patch(f"{public_board.path}/", {"name": "Open"})
    assert not Event.objects.get(room=room, seq=public_board.seq).reauthorise
    owner.patch(f"{public_board.path}/", {"public": False})
    assert Event.objects.get(room=room, seq=public_board.seq).reauthorise
    assert as_("guest").get(f"{public_board.path}/").status_code == 404
