"""What every service begins and ends with: the locked room, the actor's role, the appended event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Field, Model, QuerySet

from projects import permissions, quotas
from projects.errors import Fault, IdTaken, Invalid, NotFound
from projects.events import Event
from projects.models import Membership, Project, Role, User
from projects.rooms import NO_ROW, room_of
from projects.selectors import may_see
from realtime import eventlog

Row = TypeVar("Row", bound=Model)

NOT_THERE = "It is not there, or you may not see it."


@dataclass(frozen=True, slots=True)
class Change:
    """A change under way: the project's room is locked and its transaction open."""

    project: Project
    role: str | None
    actor: User
    mutation_id: str | None
    log: eventlog.Log
    operator: bool
    membership: Membership | None = None  # the actor's

    def emit(self, event: Event, data: Mapping[str, Any], *, reauthorise: bool = False) -> None:
        """Append the event; `reauthorise`: whoever listens is authorised anew before the next."""
        actor = eventlog.Actor(str(self.actor.pk), self.actor.display_name)
        appended = self.log.append(
            event.value,
            dict(data),
            actor=actor,
            mutation_id=self.mutation_id,
            reauthorise=reauthorise,
        )
        if not self.operator:
            quotas.count_event(self.actor, appended)

    def require_owner(self) -> None:
        """Whoever does what only owners may agrees to be one by that. Raises Forbidden."""
        permissions.require_owner(self.role)
        if self.membership is not None and not self.membership.accepted and not self.operator:
            self.membership.accepted = True
            self.membership.save(update_fields=["accepted"])


@contextmanager
def changing(
    project_id: UUID | None, *, actor: User, mutation_id: str | None, operator: bool
) -> Iterator[Change]:
    """Lock the project's room, then read the project and the actor's role under the lock.

    `project_id` None stands for a row that is gone. Raises NotFound, also for a project
    that the actor may not see: in the same words, and by the same statements. Raises RateLimited.
    """
    if not operator:
        quotas.count_write(actor)
    found = project_id or NO_ROW
    try:
        with eventlog.writing(room_of(found), eventlog.ALWAYS if operator else may_see(actor, found)) as log:
            project, membership = _standing(found, actor)
            if project is None or not (membership or project.public or operator):
                raise NotFound(NOT_THERE)
            held = membership.role if membership else None
            role = Role.OWNER if operator else held
            yield Change(project, role, actor, mutation_id, log, operator, membership)
    except eventlog.UnknownRoom:
        raise NotFound(NOT_THERE) from None


def require_owner_now(project_id: UUID, actor: User) -> None:
    """What `changing` and `require_owner` say of the actor, without a lock: to be asked again under it.

    Raises NotFound, Forbidden. Whoever is refused has made a change, as `quotas.count_write` counts them.
    """
    project, membership = _standing(project_id, actor)
    if membership is not None and membership.role == Role.OWNER:
        return
    quotas.count_write(actor)
    if project is None or not (membership or project.public):
        raise NotFound(NOT_THERE)
    permissions.require_owner(membership.role if membership else None)


def _standing(project_id: UUID, actor: User) -> tuple[Project | None, Membership | None]:
    """The project and the actor's membership in it, for a member with one query."""
    memberships = Membership.objects.filter(project=project_id, user=actor).select_related("project")
    if membership := memberships.first():
        return membership.project, membership
    return Project.objects.filter(pk=project_id).first(), None


def project_id_of(model: type[Model], pk: UUID, path: str = "project_id") -> UUID | None:
    """Which room to lock for a row; None where it is gone. Rows never change their project."""
    found: UUID | None = model._default_manager.filter(pk=pk).values_list(path, flat=True).first()
    return found


def fresh(rows: QuerySet[Row], pk: UUID) -> Row:
    """The row as it stands under the room's lock. Raises NotFound."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise NotFound(f"There is no such {rows.model._meta.verbose_name}.")
    return row


def new(model: type[Row], id: UUID | None, **values: Any) -> Row:
    """A row that is not saved yet, under the id that its client has chosen. Raises IdTaken.

    Rows that the server named, or that were named long ago, are no claims (projects.services.creations).
    """
    if id is None:
        return model(**values)
    if model._default_manager.filter(pk=id).exists():
        raise IdTaken
    return model(pk=id, **values)


def check(row: Model, fields: Collection[str]) -> None:
    """Hold the named fields against the model's own rules. Raises Invalid."""
    others = {field.name for field in row._meta.fields} - set(fields)
    try:
        row.clean_fields(exclude=others)
    except ValidationError as refused:
        raise Invalid({name: _faults(wrong) for name, wrong in refused.error_dict.items()}) from None


def _faults(wrong: list[ValidationError]) -> list[Fault]:
    return [Fault(sentence, each.code or "invalid") for each in wrong for sentence in each.messages]


def apply(row: Model, values: Mapping[str, Any]) -> list[str]:
    """Set what differs on the row, unsaved, and return the names of the fields that did.

    A value of before there was one form of it differs in nothing from the same in that form.
    """
    given = {name: _in_one_form(row, name, value) for name, value in values.items()}
    changed = [name for name, value in given.items() if _in_one_form(row, name, getattr(row, name)) != value]
    for name in changed:
        setattr(row, name, given[name])
    fields = [row._meta.get_field(name) for name in changed]
    check(row, [field.name for field in fields if not field.is_relation])
    return changed


def _in_one_form(row: Model, name: str, value: Any) -> Any:
    field = row._meta.get_field(name)
    assert isinstance(field, Field)
    return field.to_python(value)
