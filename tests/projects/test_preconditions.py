"""If-Match and If-None-Match: a change made on sight of an old version is refused, and nothing is ever done
by who asks for a condition that is not heeded.
"""

import time

import pytest

from projects.api.preconditions import entity_tags
from projects.models import IdempotencyKey, Task
from tests.projects.operations import WRITES

VERSIONED = {"tasks_update", "tasks_move", "tasks_delete"}
UNVERSIONED = [write for write in WRITES if write.name not in VERSIONED]


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


@pytest.mark.parametrize(
    "condition", [{"If_Match": '"1"'}, {"If_Match": '"1", W/"2"'}, {"If_None_Match": "*"}], ids=str
)
@pytest.mark.parametrize("write", UNVERSIONED, ids=lambda write: write.name)
def test_what_has_no_version_is_not_written_on_condition_of_one(write, condition, as_, board):
    """Whoever protects themselves against a lost update would believe that they are protected."""
    client = as_("editor" if "editor" in write.allowed else "owner")
    path, body = write.path(board), write.body(board)
    seq = board.seq
    refused = write.send(client, path, body, Idempotency_Key="k", **condition)
    assert (refused.status_code, refused.data["code"]) == (412, "precondition-failed")
    assert refused["Content-Type"] == "application/problem+json"
    assert board.seq == seq
    assert not IdempotencyKey.objects.exists()
    done = write.send(client, path, body, Idempotency_Key="k", If_Match="*", If_None_Match='"1"')
    assert done.status_code < 300, done.data


def test_a_board_is_not_made_on_condition_of_a_version(owner):
    assert owner.post("/api/projects/", {"name": "B"}, If_Match='"1"').status_code == 412
    assert owner.get("/api/projects/").data["results"] == []


@pytest.mark.parametrize("name", ["If_Match", "If_None_Match"])
def test_a_malformed_condition_is_400_where_there_are_no_versions(name, owner, board):
    answer = owner.patch(f"{board.path}/", {"name": "New"}, **{name: "3"})
    assert (answer.status_code, name.replace("_", "-") in answer.data["detail"]) == (400, True)


def test_who_is_logged_out_is_told_to_log_in_whatever_the_condition(as_, board):
    assert as_("guest").patch(f"{board.path}/", {"name": "New"}, If_Match='"1"').status_code == 401


@pytest.mark.parametrize("tag", ["*", '"1"', '"7", W/"1"'])
def test_a_task_is_not_changed_at_a_version_that_if_none_match_names(tag, editor, board):
    path = f"/api/tasks/{board.tasks[0].pk}/"
    refused = editor.patch(path, {"title": "New"}, If_None_Match=tag)
    assert (refused.status_code, refused.data["task"]["version"]) == (412, 1)
    assert editor.patch(path, {"title": "New"}, If_None_Match='"2"').status_code == 200


def test_a_date_is_no_condition_since_nothing_tells_one(editor, board):
    """RFC 9110, section 13.1.4: it must be ignored where a resource has no modification date."""
    path = f"/api/tasks/{board.tasks[0].pk}/"
    assert "Last-Modified" not in editor.get(path)
    long_ago = "Sat, 29 Oct 1994 19:43:31 GMT"
    assert editor.patch(path, {"title": "New"}, If_Unmodified_Since=long_ago).status_code == 200


def test_every_write_has_its_refusal_in_the_document(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            is_write = method != "get" and bool(operation.get("security"))
            assert ("412" in operation["responses"]) == is_write, (method, path)


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
