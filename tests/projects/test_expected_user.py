"""X-Expected-User: a page that was left open writes for who sees it, and not for who has logged in since."""

from uuid import uuid4

import pytest

from projects.models import IdempotencyKey, Project
from tests.projects.operations import WRITES


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_what_is_meant_for_another_log_in_is_not_done(write, as_, board):
    role = "editor" if "editor" in write.allowed else "owner"
    client, path, body = as_(role), write.path(board), write.body(board)
    seq, own = board.seq, str(board.people[role].pk)
    for other in (str(board.people["viewer"].pk), str(uuid4())):
        refused = write.send(client, path, body, X_Expected_User=other, Idempotency_Key="k")
        assert (refused.status_code, refused.data["code"]) == (409, "other-user"), other
        assert refused["Content-Type"] == "application/problem+json"
    assert board.seq == seq
    assert not IdempotencyKey.objects.exists()
    done = write.send(client, path, body, X_Expected_User=own.upper(), Idempotency_Key="k")
    assert done.status_code < 300, done.data
    assert board.seq == seq + 1


ID = "0b9c1c1e-0000-4000-8000-000000000001"


@pytest.mark.parametrize("value", ["", "me", "null", f"{{{ID}}}", f"{ID}, {ID}"])
def test_what_names_nobody_is_a_bad_request_that_names_the_header(value, editor, board):
    refused = editor.post(f"{board.path}/tasks/", {"title": "T"}, X_Expected_User=value)
    assert (refused.status_code, refused.data["code"]) == (400, "bad-request")
    assert "X-Expected-User" in refused.data["detail"]


def test_it_is_refused_before_anything_else_is_looked_at(editor, board):
    """Whatever else is wrong with the request: whoever sees the page has to log in first."""
    other = str(board.owner.pk)
    for path, body, headers in (
        (f"{board.path}/tasks/", {"title": ""}, {}),
        (f"{board.path}/tasks/", {"title": "T"}, {"Idempotency_Key": " "}),
        (f"/api/projects/{uuid4()}/tasks/", {"title": "T"}, {}),
    ):
        refused = editor.post(path, body, X_Expected_User=other, **headers)
        assert (refused.status_code, refused.data["code"]) == (409, "other-user"), path
    broken = editor.raw("POST", f"{board.path}/tasks/", b"{", {"X-Expected-User": other})
    assert (broken.status_code, broken.data["code"]) == (409, "other-user")


def test_reading_is_for_whoever_is_logged_in(editor, board):
    assert editor.get(f"{board.path}/board/", X_Expected_User=str(board.owner.pk)).status_code == 200


def test_every_write_by_a_log_in_has_it_in_the_document(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named = [each["name"] for each in operation.get("parameters", ())]
            is_write = method != "get" and bool(operation.get("security"))
            assert named.count("X-Expected-User") == is_write, (method, path)
            assert not is_write or "409" in operation["responses"], (method, path)


def test_the_answer_that_is_kept_for_one_is_not_given_for_another(editor, board):
    path, body = f"{board.path}/tasks/", {"title": "Once"}
    assert editor.post(path, body, Idempotency_Key="k").status_code == 201
    refused = editor.post(path, body, Idempotency_Key="k", X_Expected_User=str(board.owner.pk))
    assert refused.status_code == 409


def test_a_new_board_is_nobody_elses(owner, people):
    other = str(people["editor"].pk)
    assert owner.post("/api/projects/", {"name": "B"}, X_Expected_User=other).status_code == 409
    assert not Project.objects.exists()


def test_who_is_logged_out_is_told_to_log_in(as_, board):
    expected = str(board.owner.pk)
    answer = as_("guest").post(f"{board.path}/tasks/", {"title": "T"}, X_Expected_User=expected)
    assert (answer.status_code, answer.data["code"]) == (401, "unauthenticated")
