"""Members: roles, leaving, and that a project never loses its last owner."""

import pytest

from projects import services
from projects.errors import Conflict
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
    board.make_owner("editor")
    assert owner.delete(path).status_code == 204
    assert not Membership.objects.filter(project=board.project, user=board.owner).exists()


# --- Nobody is an owner against their will --------------------------------------------------------


def put_on(board, role="owner"):
    """The outsider is made a member without being asked."""
    services.member_add(actor=board.owner, project_id=board.id, username="outsider", role=role)
    return f"/api/members/{board.membership('outsider').pk}/"


def leave(client, path):
    answer = client.delete(path)
    return answer.status_code, answer.data and answer.data["code"]


@pytest.mark.parametrize("role", ["owner", "editor", "viewer"])
def test_whoever_was_put_on_a_board_may_leave_it(role, as_, board):
    assert leave(as_("outsider"), put_on(board, role)) == (204, None)


def test_whoever_was_put_on_a_board_as_an_owner_is_not_left_as_the_only_one(owner, as_, board):
    theirs, own = put_on(board), f"/api/members/{board.membership('owner').pk}/"
    assert leave(owner, own) == (409, "last-owner")
    assert owner.patch(own, {"role": "editor"}).status_code == 409
    assert leave(as_("outsider"), theirs) == (204, None)
    assert [row.role for row in Membership.objects.filter(project=board.project, user=board.owner)] == [
        "owner"
    ]


def test_work_on_the_board_is_no_agreement_to_own_it(owner, as_, board):
    """An editor who is made an owner goes on as before, and need not notice."""
    path = put_on(board, "editor")
    owner.patch(path, {"role": "owner"})
    assert as_("outsider").post(f"{board.path}/tasks/", {"title": "T"}).status_code == 201
    assert leave(owner, f"/api/members/{board.membership('owner').pk}/") == (409, "last-owner")
    assert leave(as_("outsider"), path) == (204, None)


OWNERS_DEEDS = {
    "renames the board": lambda client, board: client.patch(f"{board.path}/", {"name": "New"}),
    "opens the board": lambda client, board: client.patch(f"{board.path}/", {"public": True}),
    "adds a member": lambda client, board: client.post(
        f"{board.path}/members/", {"username": "fifth", "role": "viewer"}
    ),
    "changes a role": lambda client, board: client.patch(
        f"/api/members/{board.membership('viewer').pk}/", {"role": "editor"}
    ),
    "removes a member": lambda client, board: client.delete(f"/api/members/{board.membership('viewer').pk}/"),
    "says so": lambda client, board: client.patch(
        f"/api/members/{board.membership('outsider').pk}/", {"role": "owner"}
    ),
}


@pytest.mark.parametrize("deed", OWNERS_DEEDS)
def test_whoever_does_what_only_owners_may_is_one_and_the_other_may_leave(deed, owner, as_, board):
    services.user_create(username="fifth", password=None)
    path = put_on(board)
    assert OWNERS_DEEDS[deed](as_("outsider"), board).status_code < 300
    assert leave(owner, f"/api/members/{board.membership('owner').pk}/") == (204, None)
    assert leave(as_("outsider"), path) == (409, "last-owner")


def test_an_owner_by_others_may_remove_who_made_them_one(as_, board):
    put_on(board)
    removed = as_("outsider").delete(f"/api/members/{board.membership('owner').pk}/")
    assert removed.status_code == 204


def test_a_deed_that_is_refused_is_no_agreement(owner, as_, board):
    put_on(board)
    body = {"username": "viewer", "role": "viewer"}
    assert as_("outsider").post(f"{board.path}/members/", body).status_code == 409
    assert leave(owner, f"/api/members/{board.membership('owner').pk}/") == (409, "last-owner")


def test_an_owner_by_others_may_become_less(owner, as_, board):
    path = put_on(board)
    assert as_("outsider").patch(path, {"role": "viewer"}).status_code == 200
    assert leave(as_("outsider"), path) == (204, None)


def test_whoever_was_put_on_a_board_may_leave_it_also_where_an_earlier_gateway_has_let_the_others_go(
    as_, board
):
    path = put_on(board)
    Membership.objects.filter(project=board.project).exclude(user__username="outsider").delete()
    assert leave(as_("outsider"), path) == (204, None)


def test_operators_leave_nobody_as_the_only_owner_either(board, people):
    services.member_add(
        actor=board.owner, project_id=board.id, username="outsider", role="owner", operator=True
    )
    with pytest.raises(Conflict, match="last owner"):
        services.member_remove(
            actor=people["outsider"], membership_id=board.membership("owner").pk, operator=True
        )
