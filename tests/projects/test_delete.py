"""DELETE: 204, one event, and nothing that hangs in the air."""

import pytest

from projects import services
from projects.models import Column, Comment, Project, Task
from projects.rooms import room_of
from realtime import eventlog
from realtime.models import Event


def test_a_deleted_task_takes_its_comments_and_tells_its_id(editor, board):
    task = board.tasks[0]
    services.comment_create(actor=board.owner, task_id=task.pk, text="Hello")
    assert editor.delete(f"/api/tasks/{task.pk}/").status_code == 204
    assert not Comment.objects.exists()
    (event,) = board.events(board.seq - 1)
    assert (event["event"], event["data"]) == ("task:deleted", {"id": str(task.pk)})
    assert editor.delete(f"/api/tasks/{task.pk}/").status_code == 404


def test_a_column_with_tasks_does_not_go_without_a_word_on_where_to(editor, board):
    answer = editor.delete(f"/api/columns/{board.columns[0].pk}/")
    assert (answer.status_code, answer.data["code"]) == (409, "column-not-empty")
    assert "moveTo" in answer.data["detail"]


def test_the_tasks_of_a_deleted_column_stand_below_those_of_the_other(editor, board):
    source, target, _ = board.columns
    board.add_task("There before", column_id=target.pk)
    before = {task.pk: (task.version, task.updated_at) for task in board.tasks}
    assert editor.delete(f"/api/columns/{source.pk}/?moveTo={target.pk}").status_code == 204
    assert board.titles(target) == ["There before", "Task 0", "Task 1", "Task 2"]
    (event,) = board.events(board.seq - 1)
    moved = Task.objects.filter(pk__in=before)
    assert event["data"] == {
        "id": str(source.pk),
        "movedTo": str(target.pk),
        "positions": {str(task.pk): task.position for task in moved},
    }
    assert {task.pk: (task.version, task.updated_at) for task in moved} == before


def test_an_empty_column_goes_at_once(editor, board):
    assert editor.delete(f"/api/columns/{board.columns[2].pk}/").status_code == 204
    (event,) = board.events(board.seq - 1)
    assert event["data"] == {"id": str(board.columns[2].pk), "movedTo": None, "positions": {}}


@pytest.mark.parametrize("target", ["itself", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_column_cannot_leave_its_tasks_to_itself_or_to_nothing(target, editor, board):
    source = board.columns[0]
    answer = editor.delete(f"/api/columns/{source.pk}/?moveTo={source.pk if target == 'itself' else target}")
    assert answer.status_code == 400
    assert "moveTo" in answer.data["errors"]
    assert Column.objects.filter(pk=source.pk).exists()


def test_a_deleted_project_leaves_its_log_and_nothing_else(owner, board):
    services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    before = board.seq
    assert owner.delete(f"{board.path}/").status_code == 204
    for model in (Project, Column, Task, Comment):
        assert not model.objects.exists()
    assert eventlog.head(room_of(board.id)) == before + 1
    last = Event.objects.order_by("seq").last()
    assert last is not None
    assert last.event == "project:deleted"
    assert last.reauthorise
    for path in (f"{board.path}/", f"{board.path}/board/"):
        assert owner.get(path).status_code == 404
    assert owner.post(f"{board.path}/tasks/", {"title": "T"}).status_code == 404


def test_a_comment_goes_by_its_author_or_by_an_owner(as_, board, people):
    services.member_change(actor=board.owner, membership_id=board.membership("viewer").pk, role="editor")
    for role, status in (("viewer", 403), ("editor", 204), ("owner", 204)):
        comment = services.comment_create(actor=people["editor"], task_id=board.tasks[0].pk, text="Hello")
        assert as_(role).delete(f"/api/comments/{comment.pk}/").status_code == status, role
