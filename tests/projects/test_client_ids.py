"""The client names what it creates: the same creation, however often it is sent, is made once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db.models import Model
from django.utils import timezone

from devmentor import asgi
from projects import services
from projects.models import Column, Comment, Creation, IdempotencyKey, Membership, Project, Task
from projects.rooms import room_of
from projects.services import creation_prune
from realtime.models import Event as EventRow
from tests.projects.conftest import Board, Client, make_people
from tests.projects.test_concurrency import in_threads

REPLAYED = "Idempotent-Replayed"


class Kind:
    """What can be created: where, with what, and with what else."""

    def __init__(self, model: type[Model], path: Callable[[Board], str], body: Any, other: Any) -> None:
        self.model, self.path, self.body, self.other = model, path, body, other


def tasks(board: Board) -> str:
    return f"{board.path}/tasks/"


KINDS = {
    "task": Kind(Task, tasks, {"title": "New"}, {"title": "Other"}),
    "column": Kind(Column, lambda board: f"{board.path}/columns/", {"name": "New"}, {"name": "Other"}),
    "comment": Kind(
        Comment, lambda board: f"/api/tasks/{board.tasks[0].pk}/comments/", {"text": "New"}, {"text": "Other"}
    ),
    "member": Kind(
        Membership,
        lambda board: f"{board.path}/members/",
        {"username": "outsider", "role": "viewer"},
        {"username": "outsider", "role": "editor"},
    ),
    "project": Kind(Project, lambda board: "/api/projects/", {"name": "New"}, {"name": "Other"}),
}
EACH = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def all_events() -> int:
    return EventRow.objects.count()


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.data["code"]


TAKEN = (409, "id-taken")


@EACH
def test_what_is_created_has_the_id_that_its_client_gave_it(kind, owner, board):
    id_ = str(uuid4())
    made = owner.post(kind.path(board), {"id": id_.upper(), **kind.body})
    assert (made.status_code, made.data["id"]) == (201, id_), made.data
    assert made["Location"].endswith(f"/{id_}/")
    assert owner.get(made["Location"]).data == made.data
    assert kind.model._default_manager.filter(pk=id_).exists()


@EACH
def test_the_same_again_is_answered_as_before_and_made_once(kind, owner, board):
    """Without a key, with one, with another one, and once they have been forgotten."""
    id_ = str(uuid4())
    body = {"id": id_, **kind.body}
    first = owner.post(kind.path(board), body, Idempotency_Key="k-1")
    assert (first.status_code, REPLAYED in first) == (201, False), first.data
    events, rows = all_events(), kind.model._default_manager.count()
    answers = [owner.post(kind.path(board), body, **key) for key in ({}, {"Idempotency_Key": "k-2"})]
    IdempotencyKey.objects.all().delete()
    answers += [owner.post(kind.path(board), body, Idempotency_Key="k-1") for _ in range(2)]
    for again in answers:
        assert (again.status_code, again.content, again[REPLAYED]) == (201, first.content, "true")
        assert again["Location"] == first["Location"]
        assert again.get("ETag") == first.get("ETag")
    assert (all_events(), kind.model._default_manager.count()) == (events, rows)


@EACH
def test_another_content_another_caller_and_another_place_are_refused(kind, owner, editor, board, people):
    id_ = str(uuid4())
    assert owner.post(kind.path(board), {"id": id_, **kind.body}).status_code == 201
    board.make_owner("editor")
    other = Board(people)
    events = all_events()
    for client, path, body in (
        (owner, kind.path(board), kind.other),
        (editor, kind.path(board), kind.body),
        (owner, f"{other.path}/tasks/", {"title": "New"}),
        (owner, f"{other.path}/columns/", {"name": "New"}),
    ):
        for key in ({}, {"Idempotency_Key": f"k-{uuid4()}"}):
            assert refused(client.post(path, {"id": id_, **body}, **key)) == TAKEN, (path, body)
    assert all_events() == events
    assert not IdempotencyKey.objects.exists()


@EACH
def test_at_the_same_time_it_is_made_once(kind, transactional_db):
    board = Board(make_people())
    body = {"id": str(uuid4()), **kind.body}
    path, rows = kind.path(board), kind.model._default_manager.count()
    keys: list[dict[str, str]] = [{}, {"Idempotency_Key": "a"}, {"Idempotency_Key": "b"}, {}]
    found = in_threads(4, lambda number: Client(board.owner).post(path, body, **keys[number]))
    assert {answer.status_code for answer in found} == {201}
    assert len({answer.content for answer in found}) == 1
    assert sum(REPLAYED in answer for answer in found) == 3
    assert kind.model._default_manager.count() == rows + 1


@EACH
def test_an_id_that_the_server_chose_is_taken_and_nothing_is_said_of_whose_it_is(kind, owner, board, people):
    """The answer for a row of another's private board is to the byte that for one's own, and for one that was
    deleted.
    """
    stranger = services.user_create(username="stranger", password=None)
    hidden = services.project_create(actor=stranger, name="Hidden")
    task = services.task_create(actor=stranger, project_id=hidden.pk, title="Hidden")
    rows: dict[type[Model], UUID] = {
        Task: task.pk,
        Column: hidden.columns.all()[0].pk,
        Comment: services.comment_create(actor=stranger, task_id=task.pk, text="Hidden").pk,
        Membership: hidden.memberships.all()[0].pk,
        Project: hidden.pk,
    }
    named = {"username": "stranger"} if kind.model is Membership else {}
    own, other = str(uuid4()), {**kind.other, **named}
    owner.post(kind.path(board), {"id": own, **kind.body})
    said = [owner.post(kind.path(board), {"id": id_, **other}) for id_ in (own, str(rows[kind.model]))]
    assert [refused(answer) for answer in said] == [TAKEN, TAKEN]
    assert said[0].content == said[1].content
    assert {name: value for name, value in said[0].items() if name != "X-Request-ID"} == {
        name: value for name, value in said[1].items() if name != "X-Request-ID"
    }


def test_what_was_changed_meanwhile_stays_changed_and_is_the_same_creation(owner, editor, board):
    """The answer is the first one: with its version, a change that rests on it meets what others did."""
    body = {"id": str(uuid4()), "title": "First", "labels": ["a"], "after": None}
    first = owner.post(tasks(board), body)
    path = f"/api/tasks/{body['id']}/"
    editor.patch(path, {"title": "Changed"})
    again = owner.post(tasks(board), body)
    assert (again.status_code, again.content, again["ETag"]) == (201, first.content, '"1"')
    assert refused(owner.patch(path, {"title": "Mine"}, If_Match=again["ETag"])) == (412, "version-conflict")
    assert Task.objects.get(pk=body["id"]).title == "Changed"


@pytest.mark.parametrize("name", ["task", "column", "comment", "member"])
def test_what_was_deleted_meanwhile_is_not_raised_from_the_dead(name, owner, board):
    kind = KINDS[name]
    body = {"id": str(uuid4()), **kind.body}
    first = owner.post(kind.path(board), body)
    assert owner.delete(first["Location"]).status_code == 204
    events = all_events()
    again = owner.post(kind.path(board), body)
    assert (again.status_code, again.content) == (201, first.content)
    assert owner.get(first["Location"]).status_code == 404
    assert all_events() == events
    assert refused(owner.post(kind.path(board), {**body, **kind.other})) == TAKEN


def test_a_board_that_was_deleted_gives_its_id_to_no_other(owner, editor):
    """Whoever has followed it would take the events of the other for its own."""
    body = {"id": str(uuid4()), "name": "Mine"}
    assert owner.post("/api/projects/", body).status_code == 201
    assert owner.delete(f"/api/projects/{body['id']}/").status_code == 204
    assert refused(owner.post("/api/projects/", body)) == (404, "not-found")
    Creation.objects.all().delete()  # as after EVENT_RETENTION_DAYS
    for client in (owner, editor):
        assert refused(client.post("/api/projects/", body)) == TAKEN
    assert not Project.objects.filter(pk=body["id"]).exists()


def test_a_refused_creation_takes_no_id(owner, as_, board):
    body = {"id": str(uuid4()), "title": "T"}
    assert as_("viewer").post(tasks(board), body).status_code == 403
    assert as_("outsider").post(tasks(board), body).status_code == 404
    assert owner.post(tasks(board), {**body, "column": str(uuid4())}).status_code == 400
    assert not Creation.objects.exists()
    assert owner.post(tasks(board), body).status_code == 201


def test_who_may_not_see_the_board_any_more_is_not_shown_what_was_made(editor, board):
    body = {"id": str(uuid4()), "title": "T"}
    assert editor.post(tasks(board), body).status_code == 201
    Membership.objects.filter(user=board.people["editor"]).delete()
    gone = editor.post(tasks(board), body)
    assert refused(gone) == (404, "not-found")
    assert gone.content == editor.post(tasks(board), {**body, "id": str(uuid4())}).content


def test_who_may_only_read_by_now_hears_that_it_was_made(owner, editor, board):
    body = {"id": str(uuid4()), "title": "T"}
    first = editor.post(tasks(board), body)
    owner.patch(f"/api/members/{board.membership('editor').pk}/", {"role": "viewer"})
    assert editor.post(tasks(board), body).content == first.content
    assert refused(editor.post(tasks(board), {**body, "id": str(uuid4())})) == (403, "forbidden")


def test_the_answer_under_a_key_is_not_shown_either_where_the_id_gave_it(editor, board):
    body = {"id": str(uuid4()), "title": "T"}
    editor.post(tasks(board), body)
    assert editor.post(tasks(board), body, Idempotency_Key="k")[REPLAYED] == "true"
    Membership.objects.filter(user=board.people["editor"]).delete()
    assert refused(editor.post(tasks(board), body, Idempotency_Key="k")) == (404, "not-found")


def test_another_spelling_of_the_same_content_is_the_same_creation(editor, board):
    id_, column = str(uuid4()), str(board.columns[1].pk)
    spellings = [
        f'{{"id": "{id_}", "title": "A", "column": "{column}"}}',
        f'{{"column": "{column.upper()}", "title": " A ", "id": "{id_.upper()}"}}',
    ]
    first, again = (editor.raw("POST", tasks(board), text.encode()) for text in spellings)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)


@pytest.mark.parametrize("id_", [None, "", "new-1", 7, "0" * 32, str(UUID(int=0)), f"urn:uuid:{UUID(int=1)}"])
def test_what_is_no_id_is_refused(id_, editor, board):
    answer = editor.post(tasks(board), {"id": id_, "title": "T"})
    assert (answer.status_code, list(answer.data["errors"])) == (400, ["id"])


def test_a_repeat_is_no_change_of_the_quota(settings, owner, board, monkeypatch):
    body = {"id": str(uuid4()), "title": "T"}
    first = owner.post(tasks(board), body)

    def no_more(_: Any) -> None:
        raise AssertionError

    monkeypatch.setattr("projects.quotas.count_write", no_more)
    assert owner.post(tasks(board), body).content == first.content


def test_the_repeat_is_answered_on_a_board_that_is_full_by_then(settings, owner, board):
    body = {"id": str(uuid4()), "title": "T"}
    first = owner.post(tasks(board), body)
    settings.MAX_TASKS_PER_BOARD = 1
    assert owner.post(tasks(board), body).content == first.content


def test_tasks_that_had_to_make_room_are_no_part_of_the_row(owner, people, monkeypatch):
    """The event says which; the answer, first and later, is the task."""
    monkeypatch.setattr("projects.ordering.GAP", 2)
    board = Board(people)
    body = {"title": "T", "after": str(board.tasks[0].pk)}
    for _ in range(3):
        named = {"id": str(uuid4()), **body}
        first = owner.post(tasks(board), named)
        assert owner.post(tasks(board), named).content == first.content
    assert any("respaced" in event["data"] for event in board.events())


def test_ids_are_known_for_as_long_as_events_and_a_week_at_the_least(settings, owner, board):
    def age(days: int) -> None:
        Creation.objects.update(created_at=timezone.now() - timedelta(days=days))

    body = {"id": str(uuid4()), "title": "T"}
    owner.post(tasks(board), body)
    for kept, days, forgotten in ((0, 999, 0), (90, 89, 0), (1, 6, 0), (1, 8, 1)):
        settings.EVENT_RETENTION_DAYS = kept
        age(days)
        assert creation_prune() == forgotten, (kept, days)
    assert creation_prune in asgi.cleaning.values(), "the gateways' own clock does it"
    assert refused(owner.post(tasks(board), body)) == TAKEN, "the task is there, and never made twice"


def test_once_its_event_is_gone_nothing_is_made_twice_either(owner, board):
    body = {"id": str(uuid4()), "title": "T"}
    owner.post(tasks(board), body)
    EventRow.objects.filter(room=room_of(board.id).name).delete()
    assert refused(owner.post(tasks(board), body)) == TAKEN
    assert Task.objects.filter(title="T").count() == 1


def test_the_gap_of_a_failover_hides_no_creation(owner, board):
    """Every cursor counts as too old then, and that is when clients repeat what was not answered."""
    from realtime.models import RoomHead

    body = {"id": str(uuid4()), "title": "T"}
    first = owner.post(tasks(board), body)
    RoomHead.objects.filter(room=room_of(board.id).name).update(seq=10**9, trimmed=10**9)
    assert owner.post(tasks(board), body).content == first.content


def test_only_what_is_created_has_an_id_to_be_chosen(document):
    for path, operations in document["paths"].items():
        if "/publish/" in path or "/auth/" in path:
            continue
        for method, operation in operations.items():
            reference = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = reference.get("schema", {}).get("$ref", "").rpartition("/")[2]
            fields = document["components"]["schemas"].get(name, {}).get("properties", {})
            assert ("id" in fields) == ("201" in operation["responses"]), (method, path)
