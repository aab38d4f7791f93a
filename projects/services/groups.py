"""What can happen to a group of users. What it gives its members is in the operators' journal, for each."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from projects.errors import NotFound
from projects.models import User
from projects.services.granting import require_may_shape
from realtime import controls


@transaction.atomic
def group_create(*, actor: User, name: str, permissions: Iterable[Permission] = ()) -> Group:
    """Raises Forbidden for permissions that the actor does not hold."""
    wanted = list(permissions)
    with controls.noting(controls.operator_of(actor)) as entries:
        require_may_shape(actor, None, wanted)
        entries.add("group created", f"group {name}", new={"permissions": _named(wanted)})
        group = Group.objects.create(name=name)
        group.permissions.set(wanted)
    return group


@transaction.atomic
def group_update(
    *, actor: User, group_id: int, name: str | None = None, permissions: Iterable[Permission] | None = None
) -> Group:
    """None: as it was. A change of its permissions stands in the journal for the group and each member.

    Raises Forbidden where one changes that the actor does not hold.
    """
    with controls.noting(controls.operator_of(actor)) as entries:
        group = _found(group_id)
        if permissions is not None:
            wanted = list(permissions)
            require_may_shape(actor, group, wanted)
            _note(entries, group, _named(wanted))
            group.permissions.set(wanted)
        if name is not None and name != group.name:
            entries.add("group renamed", f"group {group.name}", old=group.name, new=name)
            group.name = name
            group.save(update_fields=["name"])
    return group


@transaction.atomic
def group_delete(*, actor: User, group_id: int) -> None:
    with controls.noting(controls.operator_of(actor)) as entries:
        group = _found(group_id)
        require_may_shape(actor, group, ())
        _note(entries, group, [])
        entries.add("group deleted", f"group {group.name}")
        group.delete()


def _found(group_id: int) -> Group:
    group = Group.objects.filter(pk=group_id).first()
    if group is None:
        raise NotFound("There is no such group.")
    return group


def _note(entries: controls.Entries, group: Group, new: list[str]) -> None:
    old = _named(group.permissions.select_related("content_type"))
    if old == new:
        return
    entries.add(controls.RIGHTS, f"group {group.name}", old={"permissions": old}, new={"permissions": new})
    by_group = f"permissions by the group {group.name}"
    for user in User.objects.filter(groups=group).order_by("username"):
        entries.add(controls.RIGHTS, f"user {user.username}", old={by_group: old}, new={by_group: new})
        controls.user_changed(str(user.pk))


def _named(permissions: Iterable[Permission]) -> list[str]:
    return sorted(map(str, permissions))
