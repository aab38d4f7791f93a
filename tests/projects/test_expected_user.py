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
    for other in (str(board.people["viewer"].pk), str(uuid4()), own[:-1], "me", ""):
        refused = write.send(client, path, body, X_Expected_User=other, Idempotency_Key="k")
        assert (refused.status_code, refused.data["code"]) == (409, "other-user"), other
        assert refused["Content-Type"] == "application/problem+json"
    assert board.seq == seq
    assert not IdempotencyKey.objects.exists()
    done = write.send(client, path, body, X_Expected_User=own.upper(), Idempotency_Key="k")
    assert done.status_code < 300, done.data
    assert board.seq == seq + 1


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
