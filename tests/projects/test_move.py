"""Moving: the server decides the position from an intent, whatever has happened meanwhile."""

from uuid import uuid4

import pytest

from projects.models import Column, Task


def move(client, task, column, after):
    body = {"column": str(column.pk), "after": after and str(after)}
    return client.post(f"/api/tasks/{task.pk}/move/", body)


def test_a_task_moves_below_another_and_the_event_says_from_where_to_where(editor, board):
    first, _, third = board.tasks
    answer = move(editor, first, board.columns[0], third.pk)
    assert answer.status_code == 200
    assert (answer.data["version"], answer["ETag"]) == (2, '"2"')
    assert board.titles() == ["Task 1", "Task 2", "Task 0"]
    (event,) = board.events(board.seq - 1)
    assert event["event"] == "task:moved"
    column = str(board.columns[0].pk)
    assert event["data"] == answer.data | {
        "from": {"column": column, "after": None},
        "to": {"column": column, "after": str(third.pk)},
    }


def test_null_is_the_top_of_the_column(editor, board):
    move(editor, board.tasks[2], board.columns[0], None)
    assert board.titles() == ["Task 2", "Task 0", "Task 1"]


def test_a_task_moves_into_an_empty_column(editor, board):
    answer = move(editor, board.tasks[1], board.columns[2], None)
    assert answer.data["column"] == str(board.columns[2].pk)
    assert board.titles(board.columns[2]) == ["Task 1"]
    assert board.titles() == ["Task 0", "Task 2"]


def test_an_after_that_is_gone_or_stands_elsewhere_gives_the_bottom(editor, board):
    elsewhere = board.add_task(column_id=board.columns[1].pk)
    for after in (uuid4(), elsewhere.pk):
        move(editor, board.tasks[0], board.columns[0], None)
        answer = move(editor, board.tasks[0], board.columns[0], after)
        assert answer.status_code == 200
        assert board.titles() == ["Task 1", "Task 2", "Task 0"]


@pytest.mark.parametrize("after", ["neighbour", "itself"])
def test_a_move_to_the_present_place_writes_nothing(after, editor, board):
    first, second, _ = board.tasks
    seq, before = board.seq, editor.get(f"/api/tasks/{second.pk}/").data
    answer = move(editor, second, board.columns[0], first.pk if after == "neighbour" else second.pk)
    assert (answer.status_code, answer.data) == (200, before)
    assert board.seq == seq


def test_below_itself_in_another_column_is_the_bottom_of_that_column(editor, board):
    board.add_task("There before", column_id=board.columns[1].pk)
    move(editor, board.tasks[0], board.columns[1], board.tasks[0].pk)
    assert board.titles(board.columns[1]) == ["There before", "Task 0"]


def test_a_column_that_is_gone_is_named_as_the_fault(editor, board):
    answer = editor.post(f"/api/tasks/{board.tasks[0].pk}/move/", {"column": str(uuid4()), "after": None})
    assert answer.status_code == 400
    assert "column" in answer.data["errors"]


def test_a_used_up_gap_re_spaces_the_column_and_the_one_event_carries_every_changed_position(editor, board):
    first, second, third = board.tasks
    Task.objects.filter(pk=second.pk).update(position=first.position + 1)
    before = {task.pk: task for task in Task.objects.filter(project=board.project)}
    answer = move(editor, third, board.columns[0], first.pk)
    assert board.titles() == ["Task 0", "Task 2", "Task 1"]
    (event,) = board.events(board.seq - 1)
    after = {task.pk: task for task in Task.objects.filter(project=board.project)}
    assert event["data"]["respaced"] == {
        str(pk): task.position for pk, task in after.items() if task.position != before[pk].position
    }
    assert after[third.pk].position == answer.data["position"]
    for pk in (first.pk, second.pk):
        assert after[pk].version == 1, "who only makes room has not changed"
        assert after[pk].updated_at == before[pk].updated_at


def test_creating_into_a_used_up_gap_does_the_same(editor, board):
    first, second, _ = board.tasks
    Task.objects.filter(pk=second.pk).update(position=first.position + 1)
    editor.post(f"{board.path}/tasks/", {"title": "Between", "after": str(first.pk)})
    assert board.titles() == ["Task 0", "Between", "Task 1", "Task 2"]
    (event,) = board.events(board.seq - 1)
    positions = {str(task.pk): task.position for task in Task.objects.filter(project=board.project)}
    assert event["data"]["respaced"].items() <= positions.items()


def test_a_column_moves_like_a_task(editor, board):
    first, second, third = board.columns
    answer = editor.post(f"/api/columns/{first.pk}/move/", {"after": str(second.pk)})
    assert answer.status_code == 200
    assert list(Column.objects.filter(project=board.project)) == [second, first, third]
    (event,) = board.events(board.seq - 1)
    assert event["event"] == "column:moved"
    assert event["data"] == answer.data | {"from": {"after": None}, "to": {"after": str(second.pk)}}
    for after in (second.pk, first.pk):
        assert editor.post(f"/api/columns/{first.pk}/move/", {"after": str(after)}).status_code == 200
    assert len(board.events(event["seq"])) == 0, "it stood there already"
    editor.post(f"/api/columns/{second.pk}/move/", {"after": str(uuid4())})
    assert list(Column.objects.filter(project=board.project)) == [first, third, second]


@pytest.mark.django_db
def test_many_inserts_at_one_spot_of_a_real_column_keep_the_clients_order(board):
    anchor = board.tasks[0]
    for number in range(200):
        board.add_task(f"Insert {number}", after=anchor.pk)
    expected = ["Task 0", *(f"Insert {number}" for number in reversed(range(200))), "Task 1", "Task 2"]
    assert board.titles() == expected


def test_among_equal_positions_a_task_still_goes_right_below_the_one_it_names(editor, board):
    Task.objects.filter(project=board.project).update(position=5)
    top, middle, bottom = Task.objects.filter(project=board.project).order_by("id")
    move(editor, bottom, board.columns[0], top.pk)
    assert board.titles() == [top.title, bottom.title, middle.title]
