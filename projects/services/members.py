"""What can happen to a project's members."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from projects import events, quotas
from projects.errors import Conflict, Fault, Forbidden, Invalid
from projects.events import Event
from projects.models import Membership, Role, User
from projects.services import sizes
from projects.services.users import lock_user
from projects.services.writing import Change, changing, fresh, new, project_id_of, require_owner_now


@transaction.atomic
def member_add(
    *,
    actor: User,
    project_id: UUID,
    username: str,
    role: str,
    id: UUID | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Membership:
    """Raises Conflict `already-member`, IdTaken, LimitReached, RateLimited."""
    if not operator:
        quotas.require_names_left(actor)
        require_owner_now(project_id, actor)  # else whoever may not add a user would keep them locked
    user = lock_user(username=username, is_active=True)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        change.require_owner()
        _require_role(role)
        if user is None:
            quotas.count_unknown_name(actor)
            raise Invalid({"username": [Fault("There is no active user of this name.", "not-found")]})
        if Membership.objects.filter(project=change.project, user=user).exists():
            raise Conflict(f"{username} is a member already.", code="already-member")
        sizes.hold_members(change.project)
        sizes.hold_memberships(user)
        member = new(Membership, id, project=change.project, user=user, role=role, accepted=False)
        member.save(force_insert=True)
        change.emit(Event.MEMBER_ADDED, events.member(member))
    return member


def member_change(
    *,
    actor: User,
    membership_id: UUID,
    role: str | None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Membership:
    """None leaves the role as it is. Raises Conflict `last-owner`."""
    project_id = project_id_of(Membership, membership_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        member = fresh(Membership.objects.select_related("user"), membership_id)
        change.require_owner()
        if role in (None, member.role):
            return member
        _require_role(role)
        _require_another_owner(change, member, "be demoted")
        member.role, member.accepted = role, member.user_id == actor.pk
        member.save(update_fields=["role", "accepted"])
        change.emit(Event.MEMBER_UPDATED, events.member(member), reauthorise=True)
    return member


def member_remove(
    *,
    actor: User,
    membership_id: UUID,
    mutation_id: str | None = None,
    operator: bool = False,
) -> None:
    """By an owner, or by the member, who leaves. Raises Conflict `last-owner`.

    Tasks stay assigned to whoever goes: a removal tells one event, and a board
    built from events must not need a second.
    """
    project_id = project_id_of(Membership, membership_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        member = fresh(Membership.objects.select_related("user"), membership_id)
        if member.user_id != actor.pk:
            if change.role != Role.OWNER:
                raise Forbidden("Only an owner may remove another member; you may only leave.")
            change.require_owner()
        _require_another_owner(change, member, "leave")
        data = events.member(member)
        member.delete()
        change.emit(Event.MEMBER_REMOVED, data, reauthorise=True)


def _require_role(role: str) -> None:
    if role not in Role.values:
        expected = f"Expected one of {', '.join(Role.values)}, got {role!r}."
        raise Invalid({"role": [Fault(expected, "not-a-choice")]})


def _require_another_owner(change: Change, member: Membership, what: str) -> None:
    """A project always has an owner who has agreed to be one. So nobody is left as the only one against their
    will, and whoever was made an owner by others may go at any time. Raises Conflict `last-owner`.
    """
    if member.role != Role.OWNER or not member.accepted:
        return
    agreed = Membership.objects.filter(project=change.project, role=Role.OWNER, accepted=True)
    if not agreed.exclude(pk=member.pk).exists():
        raise Conflict(
            f"The last owner of a project cannot {what}; make somebody else an owner first. They count as "
            "one once they have done what only owners may: they can, for example, remove you.",
            code="last-owner",
        )
