"""A column may be marked as done: its tasks are finished."""

import pytest
from django.test import Client as Browser

from projects import demo, services
from projects.models import Column, Project
from tests.support.page import Page
from tests.support.reducer import replay


def done(owner, project_id) -> list[str]:
    columns = owner.get(f"/api/projects/{project_id}/board/").json()["columns"]
    return [column["name"] for column in columns if column["done"]]


def test_an_editor_marks_a_column_and_takes_it_back(editor, owner, board):
    path = f"/api/columns/{board.columns[1].pk}/"
    for value in (True, False):
        answer = editor.patch(path, {"done": value})
        assert (answer.status_code, answer.data["done"], answer.data["name"]) == (200, value, "In progress")
        (event,) = board.events(board.seq - 1)
        assert (event["event"], event["data"]) == ("column:updated", answer.data)
        assert editor.get(path).data == answer.data
        assert ("In progress" in done(owner, board.id)) is value
    seq = board.seq
    assert editor.patch(path, {"done": False}).status_code == 200
    assert board.seq == seq, "nothing has changed"


@pytest.mark.parametrize("value", [None, "true", 1, []])
def test_it_is_or_it_is_not(value, editor, board):
    answer = editor.patch(f"/api/columns/{board.columns[1].pk}/", {"done": value})
    assert (answer.status_code, list(answer.data["errors"])) == (400, ["done"])


def test_a_new_column_may_be_done_from_the_start(editor, board):
    made = editor.post(f"{board.path}/columns/", {"name": "Shipped", "done": True}).data
    assert made["done"] is True
    assert editor.post(f"{board.path}/columns/", {"name": "Later"}).data["done"] is False


def test_of_the_default_columns_the_last_is_done_and_of_ones_own_none(owner):
    default = owner.post("/api/projects/", {"name": "B"}).data
    own = owner.post("/api/projects/", {"name": "B", "columns": ["To do", "Done"]}).data
    assert done(owner, default["id"]) == ["Done"]
    assert done(owner, own["id"]) == []


def test_a_move_and_a_new_name_leave_it_done(editor, owner, board):
    path = f"/api/columns/{board.columns[2].pk}/"
    assert editor.post(f"{path}move/", {"after": None}).data["done"] is True
    assert editor.patch(path, {"name": "Finished"}).data["done"] is True
    assert done(owner, board.id) == ["Finished"]


def test_an_operator_marks_it_in_the_admin(board):
    admin = Browser()
    admin.force_login(services.user_create(username="root", password=None, is_staff=True, is_superuser=True))
    column = board.columns[0]
    form = {"name": "To do", "done": "on"}
    assert admin.post(f"/admin/projects/column/{column.pk}/change/", form).status_code == 302
    assert Column.objects.get(pk=column.pk).done
    assert board.events(board.seq - 1)[0]["data"]["done"] is True
    form = {"project": str(board.id), "name": "New", "done": "on"}
    assert admin.post("/admin/projects/column/add/", form).status_code == 302
    assert Column.objects.get(name="New").done


@pytest.mark.django_db
def test_each_demo_board_has_a_column_of_what_is_finished(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    demo.seed()
    marked = Column.objects.filter(done=True).values_list("project", flat=True)
    assert sorted(marked) == sorted(Project.objects.values_list("pk", flat=True))


def test_an_event_of_the_version_before_takes_no_mark_away(board, page: Page):
    """While gateways are replaced, the older ones tell of columns without it."""
    before = board.snapshot()
    column = {"id": str(board.columns[2].pk), "name": "Finished", "position": board.columns[2].position}
    events = [{"event": "column:updated", "seq": board.seq + 1, "data": column}]
    for after in (replay(before, events), page.ask("replay", snapshot=before, events=events)):
        assert after
        assert after["columns"][2] == {**column, "done": True}
