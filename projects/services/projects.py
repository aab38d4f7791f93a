"""What can happen to a project."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction

from projects import events, ordering, permissions, quotas
from projects.errors import IdTaken
from projects.events import Event
from projects.models import Column, Membership, Project, Role, User
from projects.rooms import room_of
from projects.services import sizes
from projects.services.users import lock_user
from projects.services.writing import Change, apply, changing, check
from realtime import eventlog

DEFAULT_COLUMNS = ("To do", "In progress", "Done")


@transaction.atomic
def project_create(
    *,
    actor: User,
    name: str,
    public: bool = False,
    columns: Sequence[str] | None = None,
    id: UUID | None = None,
    mutation_id: str | None = None,
) -> Project:
    """A project with its columns; the actor becomes its owner. An event for each.

    columns: None gives the default ones, of which the last is marked as done

    Raises Forbidden where it may not be public, IdTaken, LimitReached, RateLimited.
    """
    project = Project(pk=id or uuid4(), name=name, public=public, maker=actor)
    check(project, ["name"])
    if public:
        permissions.require_may_open_to_everybody(actor)
    quotas.count_write(actor)
    lock_user(pk=actor.pk)
    sizes.hold_boards(actor)
    names = DEFAULT_COLUMNS if columns is None else columns
    sizes.hold_columns(project, len(names))
    _open_room(project)
    project.save(force_insert=True)
    with eventlog.writing(room_of(project.pk)) as log:
        change = Change(project, Role.OWNER, actor, mutation_id, log, operator=False)
        change.emit(Event.PROJECT_CREATED, events.project(project))
        owner = Membership.objects.create(project=project, user=actor, role=Role.OWNER)
        change.emit(Event.MEMBER_ADDED, events.member(owner))
        _create_columns(change, names, done=DEFAULT_COLUMNS[-1] if columns is None else None)
    return project


def _open_room(project: Project) -> None:
    """Also a project that was deleted has a room. Raises IdTaken."""
    try:
        eventlog.create(room_of(project.pk))
    except eventlog.RoomExists:
        raise IdTaken from None


def _create_columns(change: Change, names: Sequence[str], done: str | None) -> None:
    """`done`: the name of the one that is marked so."""
    for name, position in zip(names, ordering.spaced(len(names)), strict=True):
        column = Column(project=change.project, name=name, done=name == done, position=position)
        check(column, ["name"])
        column.save(force_insert=True)
        change.emit(Event.COLUMN_CREATED, events.column(column))


def project_update(
    *,
    actor: User,
    project_id: UUID,
    name: str | None = None,
    public: bool | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Project:
    """Rename it, open it to everybody, or close it; None leaves a value as it is."""
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        change.require_owner()
        project = change.project
        given = {"name": name, "public": public}
        changed = apply(project, {key: value for key, value in given.items() if value is not None})
        if "public" in changed and project.public:
            permissions.require_may_open_to_everybody(actor)
        if changed:
            project.save(update_fields=changed)
            closed = "public" in changed and not project.public
            change.emit(Event.PROJECT_UPDATED, events.project(project), reauthorise=closed)
    return project


def project_delete(
    *, actor: User, project_id: UUID, mutation_id: str | None = None, operator: bool = False
) -> None:
    """The event comes first, the rows go after it; the log itself stays."""
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        change.require_owner()
        change.emit(Event.PROJECT_DELETED, events.project(change.project), reauthorise=True)
        change.log.close()
        change.project.delete()
