"""What can happen to a task."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date
from typing import TypedDict
from uuid import UUID

from django.utils import timezone

from projects import events, permissions
from projects.errors import Conflict, Fault, Invalid, VersionConflict
from projects.events import Event
from projects.models import Column, Membership, Task, User
from projects.ordering import BOTTOM, Place
from projects.services import placing, sizes
from projects.services.writing import Change, apply, changing, check, fresh, new, project_id_of

_TaskPlace = tuple[UUID, placing.Above | None]  # column, and below what


class TaskChanges(TypedDict, total=False):
    """What `task_update` may be given; what is left out stays."""

    title: str
    description: str
    assignee_id: UUID | None
    labels: list[str]
    due_on: date | None


def task_create(
    *,
    actor: User,
    project_id: UUID,
    title: str,
    column_id: UUID | None = None,
    after: UUID | Place | None = BOTTOM,
    description: str = "",
    assignee_id: UUID | None = None,
    labels: Sequence[str] = (),
    due_on: date | None = None,
    id: UUID | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Task:
    """At the bottom of the first column, where not told otherwise. `after` None: at the top.

    Raises Conflict `no-columns`, IdTaken, LimitReached.
    """
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        permissions.require_writer(change.role)
        task = new(
            Task,
            id,
            project=change.project,
            column=_column(change, column_id),
            title=title,
            description=description,
            assignee_id=assignee_id,
            labels=sizes.board_labels(change.project, (), labels),
            due_on=due_on,
        )
        check(task, ["title", "description", "labels", "due_on"])
        _require_member(change, assignee_id)
        sizes.resize(change.project, sizes.of_task(task))
        sizes.relabel(change.project, (), task.labels)
        siblings = Task.objects.filter(column=task.column_id)
        spot = placing.spot(siblings, placing.resolve(siblings, after), task.pk)
        task.position = spot.position
        task.created_at = task.updated_at = timezone.now()
        task.save(force_insert=True)
        change.emit(Event.TASK_CREATED, {**events.task(task), **events.respaced(spot.respaced)})
    return task


def task_update(
    *,
    actor: User,
    task_id: UUID,
    changes: TaskChanges,
    versions: Container[int] | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Task:
    """`versions`: do it only if the task is at one of these. Raises VersionConflict, LimitReached."""
    project_id = project_id_of(Task, task_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        task = _fresh_task(change, task_id, versions)
        before, labels = sizes.of_task(task), task.labels
        if "labels" in changes:
            spelt = sizes.board_labels(change.project, labels, changes["labels"])
            changes = {**changes, "labels": spelt}
        changed = apply(task, changes)
        if "assignee_id" in changed:
            _require_member(change, task.assignee_id)
        if changed:
            sizes.resize(change.project, sizes.of_task(task) - before)
            sizes.relabel(change.project, labels, task.labels)
            _save(task, changed)
            change.emit(Event.TASK_UPDATED, events.task(task))
    return task


def task_move(
    *,
    actor: User,
    task_id: UUID,
    column_id: UUID,
    after: UUID | Place | None,
    versions: Container[int] | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Task:
    """Below `after`; None: to the top. An `after` that has left the column or is gone: to the bottom."""
    project_id = project_id_of(Task, task_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        task = _fresh_task(change, task_id, versions)
        column = _column(change, column_id)
        origin = _present_place(task)
        siblings = Task.objects.filter(column=column).exclude(pk=task.pk)
        stays = after == task.pk and column.pk == task.column_id
        target = origin[1] if stays else placing.resolve(siblings, after)
        if (column.pk, target) == origin:
            return task
        spot = placing.spot(siblings, target, task.pk)
        task.column, task.position = column, spot.position
        _save(task, ["column", "position"])
        change.emit(Event.TASK_MOVED, _moved(task, origin, spot))
    return task


def task_delete(
    *,
    actor: User,
    task_id: UUID,
    versions: Container[int] | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> None:
    """Its comments go with it."""
    project_id = project_id_of(Task, task_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        task = _fresh_task(change, task_id, versions)
        data = events.deleted(task)
        sizes.resize(change.project, -(sizes.of_task(task) + sizes.of_comments(task)))
        sizes.relabel(change.project, task.labels, ())
        task.delete()
        change.emit(Event.TASK_DELETED, data)


def _fresh_task(change: Change, task_id: UUID, versions: Container[int] | None) -> Task:
    task = fresh(Task.objects.all(), task_id)
    permissions.require_writer(change.role)
    if versions is not None and task.version not in versions:
        raise VersionConflict(task)
    return task


def _column(change: Change, column_id: UUID | None) -> Column:
    columns = Column.objects.filter(project=change.project)
    column = (columns.filter(pk=column_id) if column_id else columns).first()
    if column is None and column_id:
        raise Invalid({"column": [Fault("There is no such column in this project.", "not-found")]})
    if column is None:
        raise Conflict("The project has no column yet; create one first.", code="no-columns")
    return column


def _require_member(change: Change, user_id: UUID | None) -> None:
    members = Membership.objects.filter(project=change.project, user=user_id)
    if user_id is not None and not members.exists():
        expected = "Expected the user id of a member of this project, or null."
        raise Invalid({"assignee": [Fault(expected, "not-a-member")]})


def _present_place(task: Task) -> _TaskPlace:
    siblings = Task.objects.filter(column=task.column_id).exclude(pk=task.pk)
    return task.column_id, placing.neighbour_above(siblings, task)


def _save(task: Task, changed: list[str]) -> None:
    task.version += 1
    task.updated_at = timezone.now()
    task.save(update_fields=[*changed, "version", "updated_at"])


def _moved(task: Task, origin: _TaskPlace, spot: placing.Spot) -> dict[str, object]:
    column_id, above = origin
    return {
        **events.task(task),
        "from": events.task_place(column_id, above and above.id),
        "to": events.task_place(task.column_id, spot.after),
        **events.respaced(spot.respaced),
    }
