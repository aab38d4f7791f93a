"""Who may touch which user and give which rights, whatever door they come by.

Nobody gives or takes a right that they do not have, and nobody touches the log-in of a user who has one:
whoever sets the password of another may be them. Only a superuser touches a superuser, or makes one or staff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import Model, Q, QuerySet

from projects.errors import Forbidden
from projects.models import User

MOST_NAMED = 5
OWN_RIGHTS = "You give and take only rights that you have yourself"
# What only a superuser gives and takes.
FLAGS = {"is_superuser": "superuser status", "is_staff": "staff status"}


def is_above(actor: User, user: User) -> bool:
    """Whether `user` is a superuser, or holds a permission, that `actor` is or does not."""
    try:
        require_not_above(actor, user)
    except Forbidden:
        return True
    return False


def require_not_above(actor: User, user: User) -> None:
    """Refuse an actor who is about to touch a user who is above them."""
    if actor.is_superuser or actor.pk == user.pk:
        return
    if user.is_superuser:
        raise Forbidden(f"Only a superuser may change {user.username}, who is one.")
    # Also of one whose log-in is disabled: whoever enables it may have set the password before.
    _require_held(actor, _permissions_of(user), f"{user.username} has rights that you do not have")


def require_may_grant(
    actor: User, user: User, flags: Mapping[str, Any], granted: Mapping[str, Iterable[Model]]
) -> None:
    """Refuse a change of rights: `flags` as RIGHTS of users, `granted` the new groups and permissions."""
    if actor.is_superuser:
        return
    for name, label in FLAGS.items():
        if name in flags and flags[name] != getattr(user, name):
            raise Forbidden(f"Only a superuser gives or takes {label}.")
    for name, rows in granted.items():
        changed = {row.pk for row in rows} ^ set(getattr(user, name).values_list("pk", flat=True))
        field = "group" if name == "groups" else "pk"
        permissions = Permission.objects.filter(**{f"{field}__in": changed})
        _require_held(actor, permissions, OWN_RIGHTS)


def require_may_shape(actor: User, group: Group | None, permissions: Iterable[Permission]) -> None:
    """Refuse a group's new permissions where the change touches one that the actor does not hold.

    `group` None: a new one. Removing a group is giving it none.
    """
    before = set() if group is None else set(group.permissions.values_list("pk", flat=True))
    changed = Permission.objects.filter(pk__in={row.pk for row in permissions} ^ before)
    _require_held(actor, changed, OWN_RIGHTS)


def _permissions_of(user: User) -> QuerySet[Permission]:
    return Permission.objects.filter(Q(user=user) | Q(group__user=user)).distinct()


def _require_held(actor: User, permissions: QuerySet[Permission], sentence: str) -> None:
    if actor.is_superuser:
        return
    # As they are now: what the actor's request has begun with may have been taken away since.
    held = {_codename(row) for row in _permissions_of(actor).select_related("content_type")}
    wanted = (_codename(row) for row in permissions.select_related("content_type"))
    missing = sorted({name for name in wanted if name not in held})
    if missing:
        more = len(missing) - MOST_NAMED
        named = ", ".join(missing[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        raise Forbidden(f"{sentence}: {named}.")


def _codename(permission: Permission) -> str:
    return f"{permission.content_type.app_label}.{permission.codename}"
