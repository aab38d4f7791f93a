"""Members: roles, leaving, and that a project never loses its last owner."""

import pytest

from projects import services
from projects.models import Membership, Task
from projects.rooms import PROJECT
from realtime.models import Event


def last_event(board):
    return Event.objects.get(room=f"{PROJECT.name}:{board.id}", seq=board.seq)


def test_an_owner_adds_a_member_by_username(owner, board, people):
    answer = owner.post(f"{board.path}/members/", {"username": "outsider", "role": "editor"})
    assert answer.status_code == 201
    assert answer["Location"] == f"/api/members/{answer.data['id']}/"
    user = {"id": str(people["outsider"].pk), "name": "Outsider", "username": "outsider"}
    assert answer.data == {"id": answer.data["id"], "user": user, "role": "editor"}
    (event,) = board.events(board.seq - 1)
    assert (event["event"], event["data"]) == ("member:added", answer.data)


def test_nobody_is_added_twice(owner, board):
    answer = owner.post(f"{board.path}/members/", {"username": "viewer", "role": "editor"})
    assert (answer.status_code, answer.data["code"]) == (409, "already-member")


@pytest.mark.parametrize(
    "given,field",
    [
        ({"username": "nobody", "role": "editor"}, "username"),
        ({"username": "outsider", "role": "king"}, "role"),
        ({"username": "outsider"}, "role"),
        ({"username": "outsider", "role": ["owner"]}, "role"),
    ],
)
def test_what_is_wrong_with_a_new_member_is_named(given, field, owner, board):
    answer = owner.post(f"{board.path}/members/", given)
    assert answer.status_code == 400
    assert field in answer.data["errors"]


def test_a_changed_role_holds_at_once_and_has_the_listeners_authorised_anew(owner, as_, board):
    owner.patch(f"/api/members/{board.membership('viewer').pk}/", {"role": "editor"})
    assert last_event(board).event == "member:updated"
    assert last_event(board).reauthorise
    assert as_("viewer").post(f"{board.path}/tasks/", {"title": "T"}).status_code == 201


def test_a_removed_member_sees_nothing_any_more_and_their_tasks_stay_assigned(owner, as_, board, people):
    task = board.add_task(assignee_id=people["editor"].pk)
    assert owner.delete(f"/api/members/{board.membership('editor').pk}/").status_code == 204
    assert last_event(board).event == "member:removed"
    assert last_event(board).reauthorise
    assert as_("editor").get(f"{board.path}/").status_code == 404
    assert Task.objects.get(pk=task.pk).assignee == people["editor"]
    assert owner.patch(f"/api/tasks/{task.pk}/", {"title": "New"}).status_code == 200


def test_a_member_may_leave_but_not_show_another_the_door(as_, board):
    assert as_("viewer").delete(f"/api/members/{board.membership('editor').pk}/").status_code == 403
    assert as_("viewer").delete(f"/api/members/{board.membership('viewer').pk}/").status_code == 204


def test_the_last_owner_can_neither_leave_nor_be_demoted(owner, board):
    path = f"/api/members/{board.membership('owner').pk}/"
    seq = board.seq
    for answer in (owner.delete(path), owner.patch(path, {"role": "viewer"})):
        assert (answer.status_code, answer.data["code"]) == (409, "last-owner")
    assert board.seq == seq
    services.member_change(actor=board.owner, membership_id=board.membership("editor").pk, role="owner")
    assert owner.delete(path).status_code == 204
    assert not Membership.objects.filter(project=board.project, user=board.owner).exists()
