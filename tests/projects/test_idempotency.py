"""Idempotency-Key: the same request again gives the first answer, and the world changes once."""

import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from devmentor import asgi, sessions
from projects.models import IdempotencyKey, Task
from projects.services import idempotency, idempotency_prune
from realtime import leases, upkeep
from realtime.leases import Condition, Holder
from tests.projects.operations import WRITES

REPLAYED = "Idempotent-Replayed"


def test_the_second_time_gives_the_first_answer_and_no_second_event(editor, board):
    body = {"title": "Once"}
    first = editor.post(f"{board.path}/tasks/", body, Idempotency_Key="k-1")
    seq = board.seq
    second = editor.post(f"{board.path}/tasks/", body, Idempotency_Key="k-1")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    for header in ("Location", "ETag"):
        assert first[header] == second[header]
    assert REPLAYED not in first
    assert second[REPLAYED] == "true"
    assert board.seq == seq
    assert Task.objects.filter(title="Once").count() == 1
    assert board.events(seq - 1)[0]["mutationId"] == "k-1"


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_every_write_honours_the_key(write, as_, board):
    client = as_("editor" if "editor" in write.allowed else "owner")
    path, body = write.path(board), write.body(board)
    seq = board.seq
    first, again = (write.send(client, path, body, Idempotency_Key="k") for _ in range(2))
    assert first.status_code < 300, first.data
    assert (again.status_code, again.content, again[REPLAYED]) == (first.status_code, first.content, "true")
    assert board.seq == seq + 1


def test_a_key_may_not_come_back_with_another_request(editor, board):
    path = f"{board.path}/tasks/"
    editor.post(path, {"title": "A"}, Idempotency_Key="k")
    seq = board.seq
    for answer in (
        editor.post(path, {"title": "B"}, Idempotency_Key="k"),
        editor.post(f"{board.path}/columns/", {"name": "A"}, Idempotency_Key="k"),
        editor.patch(f"/api/tasks/{board.tasks[0].pk}/", {"title": "A"}, Idempotency_Key="k"),
        editor.delete(f"/api/tasks/{board.tasks[0].pk}/", Idempotency_Key="k"),
    ):
        assert (answer.status_code, answer.data["code"]) == (422, "idempotency-key-reused")
    assert board.seq == seq


def test_white_space_and_the_order_of_keys_make_no_other_request(editor, board):
    path = f"{board.path}/tasks/"
    editor.post(path, {"title": "A", "labels": ["b"]}, Idempotency_Key="k")
    again = editor.post(path, {"labels": ["b"], "title": "A"}, Idempotency_Key="k")
    assert again[REPLAYED] == "true"


def test_a_key_belongs_to_its_user(owner, editor, board):
    path = f"{board.path}/tasks/"
    editor.post(path, {"title": "Same"}, Idempotency_Key="k")
    assert REPLAYED not in owner.post(path, {"title": "Same"}, Idempotency_Key="k")
    assert Task.objects.filter(title="Same").count() == 2


def test_a_refusal_is_not_kept_so_the_request_may_come_again(owner, editor, as_, board):
    path = f"{board.path}/tasks/"
    viewer = as_("viewer")
    assert viewer.post(path, {"title": "A"}, Idempotency_Key="k").status_code == 403
    assert not IdempotencyKey.objects.exists()
    owner.patch(f"/api/members/{board.membership('viewer').pk}/", {"role": "editor"})
    assert viewer.post(path, {"title": "A"}, Idempotency_Key="k").status_code == 201


def test_a_version_conflict_is_not_kept_either(editor, board):
    path = f"/api/tasks/{board.tasks[0].pk}/"
    assert editor.patch(path, {"title": "A"}, Idempotency_Key="k", If_Match='"7"').status_code == 412
    assert editor.patch(path, {"title": "A"}, Idempotency_Key="k", If_Match='"1"').status_code == 200


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 201, "ä", "a\tb"])
def test_a_malformed_key_is_400(key, editor, board):
    answer = editor.post(f"{board.path}/tasks/", {"title": "A"}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.data["detail"]


def test_the_longest_key_is_kept_whole_in_the_event(editor, board):
    key = "".join(chr(33 + number % 94) for number in range(200))
    assert editor.post(f"{board.path}/tasks/", {"title": "A"}, Idempotency_Key=key).status_code == 201
    assert board.events(board.seq - 1)[0]["mutationId"] == key


def test_no_change_gives_an_answer_that_is_kept_all_the_same(editor, board):
    path = f"/api/tasks/{board.tasks[0].pk}/"
    first = editor.patch(path, {"title": "Task 0"}, Idempotency_Key="k")
    editor.patch(path, {"title": "Changed"})
    assert editor.patch(path, {"title": "Task 0"}, Idempotency_Key="k").data == first.data
    assert Task.objects.get(pk=board.tasks[0].pk).title == "Changed"


def test_old_answers_are_forgotten_and_young_ones_kept(editor, board):
    editor.post(f"{board.path}/tasks/", {"title": "Old"}, Idempotency_Key="old")
    IdempotencyKey.objects.update(created_at="2020-01-01T00:00:00Z")
    editor.post(f"{board.path}/tasks/", {"title": "Young"}, Idempotency_Key="young")
    assert idempotency_prune() == 1
    assert [row.key for row in IdempotencyKey.objects.all()] == ["young"]


def test_the_gateways_own_clock_forgets_old_answers_and_expired_sessions_in_small_batches(
    editor, board, monkeypatch
):
    """No command, no timer: else the tables keep every answer and every session for ever."""
    monkeypatch.setattr(idempotency, "PRUNED_AT_ONCE", 2)
    monkeypatch.setattr(sessions, "FORGOTTEN_AT_ONCE", 2)
    for number in range(5):
        editor.post(f"{board.path}/tasks/", {"title": "Old"}, Idempotency_Key=f"old-{number}")
        Session.objects.create(session_key=f"old{number}", expire_date=timezone.now() - timedelta(days=1))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))
    Session.objects.create(session_key="young", expire_date=timezone.now() + timedelta(days=1))
    editor.post(f"{board.path}/tasks/", {"title": "Young"}, Idempotency_Key="young")
    holder = Holder("gateway-one", "1", "host", 1)
    leases.take(holder, Condition(0, bell_healthy=True))
    upkeep.clean(holder, asgi.cleaning, threading.Event())
    assert [row.key for row in IdempotencyKey.objects.all()] == ["young"]
    assert [row.session_key for row in Session.objects.all()] == ["young"]


def test_cleaning_that_fails_keeps_nothing_else_from_being_cleaned(editor, board):
    def fail() -> int:
        raise RuntimeError

    editor.post(f"{board.path}/tasks/", {"title": "Old"}, Idempotency_Key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))
    holder = Holder("gateway-one", "1", "host", 1)
    leases.take(holder, Condition(0, bell_healthy=True))
    upkeep.clean(holder, {"what fails": fail, **asgi.cleaning}, threading.Event())
    assert not IdempotencyKey.objects.exists()
