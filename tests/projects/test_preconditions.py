"""If-Match: a change made on sight of an old version is refused, with the present task in the answer."""

import time

import pytest

from projects.api.preconditions import entity_tags
from projects.models import Task


@pytest.mark.parametrize(
    "tag", ['"1"', 'W/"1"', '"7", "1"', '"x","1"', "*", ' "1" ', '"7",,"1",', '"1-gzip"', 'W/"1-br"']
)
def test_a_matching_version_lets_the_change_through(tag, editor, board):
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "New"}, If_Match=tag)
    assert (answer.status_code, answer["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("tag", ['"2"', '"7", "8"', '"abc"', '"01"', '""', f'"{"9" * 100}"'])
def test_another_version_gets_the_present_task(tag, editor, board):
    path = f"/api/tasks/{board.tasks[0].pk}/"
    present, seq = editor.get(path).data, board.seq
    move = {"column": str(board.columns[1].pk), "after": None}
    for answer in (
        editor.patch(path, {"title": "New"}, If_Match=tag),
        editor.delete(path, If_Match=tag),
        editor.post(f"{path}move/", move, If_Match=tag),
    ):
        assert answer.status_code == 412
        assert answer.data["code"] == "version-conflict"
        assert answer.data["task"] == present
        assert answer["ETag"] == '"1"'
        assert answer["Content-Type"] == "application/problem+json"
    assert board.seq == seq


@pytest.mark.parametrize("tag", ["1", '"1', "", '"1" "2"', "W/", 'w/"1"', '"1", *', "**", '"a\tb"'])
def test_a_malformed_header_is_400(tag, editor, board):
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "New"}, If_Match=tag)
    assert answer.status_code == 400
    assert "If-Match" in answer.data["detail"]
    assert Task.objects.get(pk=board.tasks[0].pk).version == 1


def test_even_a_change_that_would_change_nothing_is_held_to_the_version(editor, board):
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "Task 0"}, If_Match='"2"')
    assert answer.status_code == 412


def test_of_two_who_saw_the_same_version_the_second_learns_of_the_first(owner, editor, board):
    path = f"/api/tasks/{board.tasks[0].pk}/"
    seen = editor.get(path)["ETag"]
    assert owner.patch(path, {"title": "First"}, If_Match=seen).status_code == 200
    refused = editor.patch(path, {"title": "Second"}, If_Match=seen)
    assert refused.data["task"]["title"] == "First"
    assert editor.patch(path, {"title": "Second"}, If_Match=refused["ETag"]).status_code == 200


def test_a_header_that_tries_patience_is_read_in_no_time(editor, board):
    tag = '"1' + '",' * 4000
    answer = editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "New"}, If_Match=tag)
    assert answer.status_code == 400


@pytest.mark.parametrize("separator", [", ", ",  ", " ,", ",", "  ", ',""', ", \t"])
@pytest.mark.parametrize("length", [60, 1000, 10_000], ids=str)
def test_a_header_of_separators_is_refused_at_once(separator, length):
    """Else a guest's 56 bytes stop the process, `/health` and every socket with it."""
    header = '"1"' + separator * (length // len(separator)) + "x"
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"x$"):
        entity_tags(header)
    assert time.perf_counter() - began < 0.1
