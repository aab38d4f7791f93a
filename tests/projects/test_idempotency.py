"""Idempotency-Key: the same request again gives the first answer, and the world changes once."""

import threading
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from devmentor import asgi, sessions
from projects.models import IdempotencyKey, Membership, Task
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


def test_another_spelling_of_a_request_is_the_same_request(editor, board):
    """Ids in capitals, another order of keys, blanks around words, a query that nothing reads."""
    first, second = str(board.tasks[0].pk), str(board.columns[1].pk)
    move = f"/api/tasks/{first}/move/"
    spellings = [
        (move, f'{{"column": "{second}", "after": null}}'),
        (move, f'{{"after":null,"column":"{second.upper()}"}}'),
        (f"/api/tasks/{first.upper()}/move/", f'\n{{"column": "{second}", "after": null }}'),
        (f"{move}?source=outbox", f'{{"\\u0063olumn": "{second}", "after": null}}'),
    ]
    seq = board.seq
    answers = [editor.raw("POST", path, body.encode(), {"Idempotency-Key": "k"}) for path, body in spellings]
    assert [answer.status_code for answer in answers] == [200] * len(spellings)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.get(REPLAYED) for answer in answers] == [None, "true", "true", "true"]
    assert board.seq == seq + 1


def test_what_a_request_means_tells_it_from_another(editor, board):
    """An id in a title is a text, an absent value is not null, and the order of labels is kept."""
    path, title = f"{board.path}/tasks/", str(board.id)
    for first, other in (
        ({"title": title}, {"title": title.upper()}),
        ({"title": "A"}, {"title": "A", "after": None}),
        ({"title": "A", "labels": ["a", "b"]}, {"title": "A", "labels": ["b", "a"]}),
        ({"title": "A", "description": "b"}, {"title": "A", "description": "b "}),
    ):
        key = f"k-{board.seq}"
        assert editor.post(path, first, Idempotency_Key=key).status_code == 201
        assert editor.post(path, other, Idempotency_Key=key).status_code == 422
        assert editor.post(path, first, Idempotency_Key=key)[REPLAYED] == "true"


def test_where_the_tasks_of_a_deleted_column_go_is_part_of_the_request(editor, board):
    source, target, other = (str(column.pk) for column in board.columns)
    path = f"/api/columns/{source}/"
    assert editor.delete(f"{path}?moveTo={target}", Idempotency_Key="k").status_code == 204
    assert editor.delete(f"{path}?moveTo={other}", Idempotency_Key="k").status_code == 422
    assert editor.delete(f"{path}?moveTo={target.upper()}", Idempotency_Key="k")[REPLAYED] == "true"


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


@pytest.mark.logs_errors("deleting old what fails failed")
def test_cleaning_that_fails_keeps_nothing_else_from_being_cleaned(editor, board):
    def fail() -> int:
        raise RuntimeError

    editor.post(f"{board.path}/tasks/", {"title": "Old"}, Idempotency_Key="old")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(days=8))
    holder = Holder("gateway-one", "1", "host", 1)
    leases.take(holder, Condition(0, bell_healthy=True))
    upkeep.clean(holder, {"what fails": fail, **asgi.cleaning}, threading.Event())
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_who_has_been_removed_since_is_not_shown_the_kept_answer(write, as_, board):
    """It may hold a whole task. That something was deleted shows nothing, and may be asked for again."""
    name = "editor" if "editor" in write.allowed else "owner"
    client, path, body = as_(name), write.path(board), write.body(board)
    done = write.send(client, path, body, Idempotency_Key="k")
    assert done.status_code < 300, done.data
    Membership.objects.filter(user=board.people[name]).delete()
    again = write.send(client, path, body, Idempotency_Key="k")
    if done.content:
        assert (again.status_code, again.data["code"]) == (404, "not-found")
        assert again.content == write.send(client, path, body, Idempotency_Key="other").content
    else:
        assert (again.status_code, again.content, again[REPLAYED]) == (done.status_code, b"", "true")


def test_a_board_that_one_has_made_and_is_no_member_of_any_more_is_not_shown(owner):
    first = owner.post("/api/projects/", {"name": "Mine"}, Idempotency_Key="k")
    assert owner.post("/api/projects/", {"name": "Mine"}, Idempotency_Key="k").content == first.content
    Membership.objects.filter(project=first.data["id"]).delete()
    assert owner.post("/api/projects/", {"name": "Mine"}, Idempotency_Key="k").status_code == 404


def test_an_answer_that_was_kept_before_projects_were_noted_is_given(editor, board):
    path, body = f"{board.path}/tasks/", {"title": "Once"}
    first = editor.post(path, body, Idempotency_Key="k")
    IdempotencyKey.objects.update(project_id=None)
    assert editor.post(path, body, Idempotency_Key="k").content == first.content
