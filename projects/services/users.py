"""What can happen to a user. A user has no room; whatever others see of them is told in each of theirs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Model, ProtectedError, QuerySet

from projects import events
from projects.errors import Conflict, NotFound
from projects.events import Event
from projects.models import Membership, Task, User
from projects.services.granting import require_may_grant, require_not_above
from projects.services.writing import Change, apply, changing
from realtime import controls

# What others read of a user, and so what `member:updated` is for.
SHOWN = frozenset({"username", "first_name", "last_name"})
# What decides whether a user's open sockets still hold.
RIGHTS = frozenset({"is_active", "is_staff", "is_superuser"})

_INSTEAD = "Clear “Active” instead: that takes the log-in away and keeps the record."


def lock_user(**lookup: Any) -> User | None:
    """The user, locked until commit by whoever adds them to a project and by whoever renames them.

    So no project can take them in under a name that is about to change without an event.
    This one lock comes before the rooms'. Not a key lock: rows may still point at the user.
    """
    return User.objects.select_for_update(no_key=True).filter(**lookup).first()


@transaction.atomic
def user_create(*, username: str, password: str | None, **values: Any) -> User:
    """`password` None: cannot log in by one."""
    return User.objects.create_user(username, password=password, **values)


@transaction.atomic
def user_update(
    *,
    actor: User,
    user_id: UUID,
    values: Mapping[str, Any],
    granted: Mapping[str, Iterable[Model]] | None = None,
    reason: str = "",
    mutation_id: str | None = None,
) -> User:
    """A new name is told in each project that shows it, which are locked for that alone: `member:updated`, or
    `person:updated` where tasks are assigned to them and they are no member any more.

    `granted`: the new `groups` and `user_permissions` where they change along.
    Rights are an operator's to give: `actor` stands in the operators' journal with what they were and are,
    and the `reason`. Raises Forbidden for what `projects.services.granting` does not allow them.
    """
    flags = {name: value for name, value in values.items() if name in RIGHTS}
    if flags or granted:
        _note_rights(actor, user_id, flags, granted or {}, reason)
    user = lock_user(pk=user_id)
    if user is None:
        raise NotFound("There is no such user.")
    require_not_above(actor, user)
    is_shown = any(values[name] != getattr(user, name) for name in SHOWN & set(values))
    with ExitStack() as rooms:
        changes = rooms.enter_context(_changing_all(user_id, actor, mutation_id)) if is_shown else []
        user.save(update_fields=apply(user, values))
        for name, rows in (granted or {}).items():
            getattr(user, name).set(rows)
        for change in changes:
            _tell_name(change, user)
        if flags or granted:
            controls.user_changed(str(user.pk))
    return user


def _tell_name(change: Change, user: User) -> None:
    """Looked at under the lock: they may have left since."""
    member = Membership.objects.select_related("user").filter(project=change.project, user=user).first()
    if member is not None:
        change.emit(Event.MEMBER_UPDATED, events.member(member))
    elif Task.objects.filter(project=change.project, assignee=user).exists():
        change.emit(Event.PERSON_UPDATED, events.person(user))


def _note_rights(
    actor: User,
    user_id: UUID,
    flags: Mapping[str, Any],
    granted: Mapping[str, Iterable[Model]],
    reason: str,
) -> None:
    """Before the user is locked: whoever writes into the journal locks it first, and reads then."""
    with controls.noting(controls.operator_of(actor), reason) as entries:
        user = User.objects.filter(pk=user_id).first()
        if user is not None:
            require_may_grant(actor, user, flags, granted)
            _add_rights(entries, user, {**flags, **{name: _named(rows) for name, rows in granted.items()}})


def _add_rights(entries: controls.Entries, user: User, rights: Mapping[str, Any]) -> None:
    before = {name: getattr(user, name) if name in RIGHTS else _named(_held(user, name)) for name in rights}
    new = {name: value for name, value in rights.items() if value != before[name]}
    if new:
        old = {name: before[name] for name in new}
        entries.add(controls.RIGHTS, f"user {user.username}", old=old, new=new)


def _held(user: User, name: str) -> Iterable[Model]:
    """Permissions name their content type: one query for all."""
    rows: QuerySet[Any] = getattr(user, name).all()
    return rows.select_related("content_type") if name == "user_permissions" else rows


def _named(rows: Iterable[Model]) -> list[str]:
    return sorted(map(str, rows))


@contextmanager
def _changing_all(user_id: UUID, actor: User, mutation_id: str | None) -> Iterator[list[Change]]:
    """Lock the rooms of all projects that show the user, in the order of ids: two such never deadlock."""
    joined = Membership.objects.filter(user=user_id).values_list("project", flat=True)
    assigned = Task.objects.filter(assignee=user_id).values_list("project", flat=True)
    with ExitStack() as stack:
        yield [
            stack.enter_context(changing(project_id, actor=actor, mutation_id=mutation_id, operator=True))
            for project_id in sorted({*joined.order_by(), *assigned.order_by().distinct()})
        ]


@transaction.atomic
def user_set_password(*, actor: User, user_id: UUID, password: str | None) -> User:
    """Set by an operator; None: the user cannot log in by a password."""
    user = User.objects.get(pk=user_id)
    require_not_above(actor, user)
    user.set_password(password)  # which takes its time: not while the journal is locked
    with controls.noting(controls.operator_of(actor)) as entries:
        entries.add("password", f"user {user.username}", new="none" if password is None else "a new one")
    user.save(update_fields=["password"])
    controls.user_changed(str(user.pk))
    return user


@transaction.atomic
def user_log_out_everywhere(*, user_id: UUID, actor: User | None = None, reason: str = "") -> None:
    """End every session, token and socket of a user. `actor`: the operator who does it to another."""
    found = User.objects.filter(pk=user_id).first()
    if found is None:
        raise NotFound("There is no such user.")
    if actor is not None:  # before the user: whoever writes into the journal locks it first
        require_not_above(actor, found)
        with controls.noting(controls.operator_of(actor), reason) as entries:
            entries.add("log out everywhere", f"user {found.username}")
    user = lock_user(pk=user_id)
    if user is None:
        raise NotFound("There is no such user.")
    user.log_ins_ended += 1
    user.save(update_fields=["log_ins_ended"])
    controls.user_changed(str(user.pk))


def user_delete(*, actor: User, user_id: UUID) -> None:
    """By an operator. Raises Conflict `user-in-use` while a membership, a task or a comment names the user,
    or the admin's log, which would lose what they did.
    """
    try:
        with transaction.atomic():
            if LogEntry.objects.filter(user=user_id).exists():
                raise Conflict("The admin's log names this user. " + _INSTEAD, code="user-in-use")
            user = User.objects.filter(pk=user_id).first()
            if user is None:
                raise NotFound("There is no such user.")
            require_not_above(actor, user)
            with controls.noting(controls.operator_of(actor)) as entries:
                entries.add("user deleted", f"user {user.username}")
            User.objects.filter(pk=user_id).delete()
            controls.user_changed(str(user_id))
    except ProtectedError:
        raise Conflict(
            "Projects name this user as a member, an assignee or an author. " + _INSTEAD,
            code="user-in-use",
        ) from None
