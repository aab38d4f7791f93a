"""Rights of staff: nobody gives or takes what they do not have, and nobody touches a user above them."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser

from projects import services
from projects.errors import Forbidden
from projects.models import User
from realtime.models import OperatorAction

WORDS = {"password1": "a quite long pass phrase", "password2": "a quite long pass phrase"}


def permissions(*codenames: str) -> list[Permission]:
    found = list(Permission.objects.filter(codename__in=codenames))
    assert len(found) == len(codenames)
    return found


def member_of_staff(name: str, *codenames: str) -> User:
    user = services.user_create(username=name, password=None, is_staff=True)
    user.user_permissions.set(permissions(*codenames))
    return user


def signed_in(user: User) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


@pytest.fixture
def helper(people) -> User:
    return member_of_staff("helper", "view_user", "change_user", "delete_user", "view_group", "change_group")


@pytest.fixture
def root(people) -> User:
    return services.user_create(username="root", password=None, is_staff=True, is_superuser=True)


@pytest.fixture
def operator(people) -> User:
    return member_of_staff("operator", "change_policy")


def fields(user: User, **changed: object) -> dict[str, object]:
    kept = {"username": user.username, "first_name": "", "last_name": "", "email": "", "is_active": "on"}
    return {**kept, **changed}


def test_staff_cannot_make_anybody_superuser_or_staff(helper, people):
    for name in ("is_superuser", "is_staff"):
        for user in (people["viewer"], helper):
            if getattr(user, name):
                continue
            with pytest.raises(Forbidden, match="Only a superuser"):
                services.user_update(actor=helper, user_id=user.pk, values={name: True})
    browser = signed_in(helper)
    answer = browser.post(
        f"/admin/projects/user/{helper.pk}/change/",
        fields(helper, is_superuser="on", is_staff="on", user_permissions=_ids(helper)),
    )
    assert answer.status_code == 302
    assert not User.objects.get(pk=helper.pk).is_superuser
    assert not OperatorAction.objects.exists()


def _ids(user: User) -> list[int]:
    return list(user.user_permissions.values_list("pk", flat=True))


@pytest.mark.parametrize("above", ["root", "operator", "disabled operator"])
def test_staff_cannot_touch_a_user_above_them(helper, root, operator, above):
    user = root if above == "root" else operator
    if above == "disabled operator":
        User.objects.filter(pk=user.pk).update(is_active=False)
    before = User.objects.filter(pk=user.pk).values().get()
    browser, address = signed_in(helper), f"/admin/projects/user/{user.pk}"
    assert browser.post(f"{address}/password/", {"usable_password": "true", **WORDS}).status_code == 403
    assert browser.post(f"{address}/change/", fields(user, username="taken")).status_code == 403
    browser.post(f"{address}/delete/", {"post": "yes"})
    chosen = {"_selected_action": [user.pk], "post": "yes", "confirmed": "yes"}
    for action in ("delete_selected", "log_out_everywhere"):
        browser.post("/admin/projects/user/", {"action": action, **chosen})
    assert User.objects.filter(pk=user.pk).values().get() == before
    assert not OperatorAction.objects.exists()


def test_each_service_refuses_who_is_below(helper, operator):
    who = {"actor": helper, "user_id": operator.pk}
    for refused in (
        lambda: services.user_update(values={"email": "mine@example.org"}, **who),
        lambda: services.user_update(values={"is_active": False}, **who),
        lambda: services.user_set_password(password="a quite long pass phrase", **who),
        lambda: services.user_log_out_everywhere(**who),
        lambda: services.user_delete(**who),
    ):
        with pytest.raises(Forbidden, match=r"realtime\.change_policy"):
            refused()


def test_what_was_taken_away_amid_a_request_gives_nothing_any_more(helper, people, root):
    """Whoever sends their own form on and on would else have the right back that somebody takes away."""
    group = Group.objects.create(name="operators")
    group.permissions.set(permissions("change_policy"))
    helper.groups.set([group])
    helper.get_all_permissions()  # as at the beginning of a request, and kept by Django
    services.user_update(actor=root, user_id=helper.pk, values={}, granted={"groups": []})
    with pytest.raises(Forbidden, match=r"realtime\.change_policy"):
        services.user_update(actor=helper, user_id=helper.pk, values={}, granted={"groups": [group]})


def test_a_form_sets_no_group_that_it_does_not_change(helper, people, root, monkeypatch):
    group = Group.objects.create(name="operators")
    helper.groups.set([group])
    update = services.user_update

    def meanwhile(**asked):
        update(actor=root, user_id=helper.pk, values={}, granted={"groups": []})
        return update(**asked)

    monkeypatch.setattr(services, "user_update", meanwhile)
    form = fields(helper, first_name="New", groups=[group.pk], user_permissions=_ids(helper))
    assert signed_in(helper).post(f"/admin/projects/user/{helper.pk}/change/", form).status_code == 302
    assert User.objects.get(pk=helper.pk).first_name == "New"
    assert not helper.groups.exists()


def test_staff_give_and_take_only_permissions_that_they_have(helper, people):
    viewer, (own,), (foreign,) = people["viewer"], permissions("view_user"), permissions("change_policy")

    def grant(**granted):
        services.user_update(actor=helper, user_id=viewer.pk, values={}, granted=granted)

    with pytest.raises(Forbidden, match=r"realtime\.change_policy"):
        grant(user_permissions=[own, foreign])
    group = Group.objects.create(name="operators")
    group.permissions.set([own, foreign])
    with pytest.raises(Forbidden, match=r"realtime\.change_policy"):
        grant(groups=[group])
    grant(user_permissions=[own])
    grant(user_permissions=[])
    assert OperatorAction.objects.filter(action="rights").count() == 2


def test_staff_shape_groups_only_by_permissions_that_they_have(helper):
    group = Group.objects.create(name="helpers")
    helper.groups.add(group)
    browser, address = signed_in(helper), f"/admin/auth/group/{group.pk}/change/"
    every = list(Permission.objects.values_list("pk", flat=True))
    answer = browser.post(address, {"name": "helpers", "permissions": every}, follow=True)
    assert "only rights that you have yourself" in answer.content.decode()
    assert not group.permissions.exists()
    own = [row.pk for row in permissions("view_user")]
    browser.post(address, {"name": "helpers", "permissions": own})
    assert list(group.permissions.values_list("pk", flat=True)) == own


def test_what_a_group_gives_is_in_the_journal_for_the_group_and_each_member(root, people):
    browser = signed_in(root)
    view, policy = permissions("view_user"), permissions("change_policy")
    browser.post("/admin/auth/group/add/", {"name": "crew", "permissions": [view[0].pk]})
    group = Group.objects.get(name="crew")
    for name in ("viewer", "editor"):
        people[name].groups.add(group)
    both = [row.pk for row in (*view, *policy)]
    browser.post(f"/admin/auth/group/{group.pk}/change/", {"name": "night crew", "permissions": both})
    browser.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    members = ["group crew", "user editor", "user viewer"]
    gone = ["group night crew", "user editor", "user viewer"]
    written = OperatorAction.objects.order_by("seq").values_list("actor", "action", "target")
    assert list(written) == [
        ("root", "group created", "group crew"),
        *(("root", "rights", target) for target in members),
        ("root", "group renamed", "group crew"),
        *(("root", "rights", target) for target in gone),
        ("root", "group deleted", "group night crew"),
    ]
    entry = OperatorAction.objects.filter(target="user editor").latest("seq")
    (given,) = entry.old.values()
    assert any("throw switches" in name for name in given)
    assert list(entry.new.values()) == [[]]


def test_a_group_saved_as_it_was_is_no_entry(root):
    group = Group.objects.create(name="crew")
    signed_in(root).post(f"/admin/auth/group/{group.pk}/change/", {"name": "crew"})
    assert not OperatorAction.objects.exists()
