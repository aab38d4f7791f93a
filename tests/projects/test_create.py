"""Creating: what comes back, where it stands, what is told."""

from uuid import uuid4

from projects.models import Project, Task
from tests.projects.conftest import Board


def test_a_new_project_has_the_default_columns_and_its_creator_as_owner(owner, people):
    answer = owner.post("/api/projects/", {"name": "Website"})
    assert answer.status_code == 201
    assert answer.data == {"id": answer.data["id"], "name": "Website", "public": False}
    assert answer["Location"] == f"/api/projects/{answer.data['id']}/"
    board = owner.get(f"/api/projects/{answer.data['id']}/board/").json()
    assert [column["name"] for column in board["columns"]] == ["To do", "In progress", "Done"]
    assert [(member["user"]["username"], member["role"]) for member in board["members"]] == [
        ("owner", "owner")
    ]
    assert board["seq"] == 5


def test_the_columns_of_a_new_project_stand_in_the_order_given(owner):
    project = owner.post("/api/projects/", {"name": "P", "public": True, "columns": ["B", "A"]}).data
    assert project["public"] is True
    listed = owner.get(f"/api/projects/{project['id']}/columns/").data["results"]
    assert [column["name"] for column in listed] == ["B", "A"]


def test_a_project_may_begin_without_any_column_and_then_says_why_it_takes_no_task(owner):
    project = owner.post("/api/projects/", {"name": "P", "columns": []}).data
    answer = owner.post(f"/api/projects/{project['id']}/tasks/", {"title": "T"})
    assert (answer.status_code, answer.data["code"]) == (409, "no-columns")


def test_a_task_with_only_a_title_goes_to_the_bottom_of_the_first_column(editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": "  Last  "})
    assert answer.status_code == 201
    assert answer["ETag"] == '"1"'
    assert answer["Location"] == f"/api/tasks/{answer.data['id']}/"
    assert answer.data | {"id": "", "position": 0, "createdAt": "", "updatedAt": ""} == {
        "id": "",
        "projectId": str(board.id),
        "title": "Last",
        "description": "",
        "column": str(board.columns[0].pk),
        "position": 0,
        "assignee": None,
        "labels": [],
        "dueOn": None,
        "version": 1,
        "createdAt": "",
        "updatedAt": "",
    }
    assert board.titles() == ["Task 0", "Task 1", "Task 2", "Last"]


def test_a_task_keeps_all_that_it_was_given(editor, board, people):
    given = {
        "title": "Ärger mit 日本語 🎉",
        "description": "  indented\n\ttext  ",
        "assignee": str(people["viewer"].pk),
        "labels": ["bug", "Fehler", "später"],
        "dueOn": "2028-02-29",
        "column": str(board.columns[1].pk),
    }
    created = editor.post(f"{board.path}/tasks/", given).data
    assert created | given == created
    assert editor.get(f"/api/tasks/{created['id']}/").data == created


def test_a_task_goes_below_the_one_it_names_and_null_is_the_top(editor, board):
    editor.post(f"{board.path}/tasks/", {"title": "Second", "after": str(board.tasks[0].pk)})
    editor.post(f"{board.path}/tasks/", {"title": "First", "after": None})
    assert board.titles() == ["First", "Task 0", "Second", "Task 1", "Task 2"]


def test_a_task_below_one_that_is_gone_goes_to_the_bottom(editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": "Last", "after": str(uuid4())})
    assert answer.status_code == 201
    assert board.titles()[-1] == "Last"


def test_a_task_cannot_go_to_somebody_who_is_no_member_or_into_another_project(editor, board, people):
    other = Board(people)
    for field, value in (
        ("assignee", str(people["outsider"].pk)),
        ("assignee", str(uuid4())),
        ("column", str(other.columns[0].pk)),
        ("column", str(uuid4())),
    ):
        answer = editor.post(f"{board.path}/tasks/", {"title": "T", field: value})
        assert answer.status_code == 400
        assert field in answer.data["errors"]
    assert Task.objects.filter(project=board.project).count() == 3


def test_a_new_column_stands_at_the_right_end(editor, board):
    answer = editor.post(f"{board.path}/columns/", {"name": "Later"})
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/columns/{answer.data['id']}/"
    assert [column["name"] for column in board.snapshot()["columns"]][-1] == "Later"


def test_a_project_takes_fifty_columns_and_no_more(owner, people):
    project = owner.post("/api/projects/", {"name": "P", "columns": [f"C{n}" for n in range(50)]}).data
    answer = owner.post(f"/api/projects/{project['id']}/columns/", {"name": "One more"})
    assert (answer.status_code, answer.data["code"]) == (409, "limit-reached")
    refused = owner.post("/api/projects/", {"name": "P", "columns": [f"C{n}" for n in range(51)]})
    assert refused.status_code == 400
    assert "columns" in refused.data["errors"]
    assert Project.objects.count() == 1


def test_a_comment_names_its_author(editor, board, people):
    path = f"/api/tasks/{board.tasks[0].pk}/comments/"
    answer = editor.post(path, {"text": " Looks good.\n"})
    assert answer.status_code == 201
    assert answer.data["text"] == " Looks good.\n"
    assert answer.data["taskId"] == str(board.tasks[0].pk)
    assert answer.data["author"] == {
        "id": str(people["editor"].pk),
        "name": "Editor",
        "username": "editor",
    }
    assert editor.get(path).data["results"] == [answer.data]
