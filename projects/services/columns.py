"""What can happen to a column."""

from __future__ import annotations

from uuid import UUID

from projects import events, ordering, permissions
from projects.errors import Conflict, Fault, Invalid
from projects.events import Event
from projects.models import Column, Task, User
from projects.ordering import BOTTOM
from projects.services import placing, sizes
from projects.services.writing import Change, apply, changing, check, fresh, new, project_id_of


def column_create(
    *,
    actor: User,
    project_id: UUID,
    name: str,
    done: bool = False,
    id: UUID | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Column:
    """At the right end of the board. Raises IdTaken, LimitReached."""
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        permissions.require_writer(change.role)
        column = new(Column, id, project=change.project, name=name, done=done)
        check(column, ["name"])
        sizes.hold_columns(change.project)
        siblings = Column.objects.filter(project=change.project)
        spot = placing.spot(siblings, placing.resolve(siblings, BOTTOM), column.pk)
        column.position = spot.position
        column.save(force_insert=True)
        change.emit(Event.COLUMN_CREATED, events.column(column) | events.respaced(spot.respaced))
    return column


def column_update(
    *,
    actor: User,
    column_id: UUID,
    name: str | None = None,
    done: bool | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Column:
    """Rename it, or say whether its tasks are finished; None leaves a value as it is."""
    project_id = project_id_of(Column, column_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        column = fresh(Column.objects.all(), column_id)
        permissions.require_writer(change.role)
        given = {"name": name, "done": done}
        changed = apply(column, {key: value for key, value in given.items() if value is not None})
        if changed:
            column.save(update_fields=changed)
            change.emit(Event.COLUMN_UPDATED, events.column(column))
    return column


def column_move(
    *,
    actor: User,
    column_id: UUID,
    after: UUID | None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Column:
    """Right of `after`; None: to the left end. An `after` that is gone: to the right end."""
    project_id = project_id_of(Column, column_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        column = fresh(Column.objects.all(), column_id)
        permissions.require_writer(change.role)
        siblings = Column.objects.filter(project=change.project).exclude(pk=column.pk)
        present = placing.neighbour_above(siblings, column)
        target = present if after == column.pk else placing.resolve(siblings, after)
        if target == present:
            return column
        spot = placing.spot(siblings, target, column.pk)
        column.position = spot.position
        column.save(update_fields=["position"])
        change.emit(Event.COLUMN_MOVED, _moved(column, present, spot))
    return column


def _moved(column: Column, came_from: placing.Above | None, spot: placing.Spot) -> dict[str, object]:
    return {
        **events.column(column),
        "from": events.column_place(came_from and came_from.id),
        "to": events.column_place(spot.after),
        **events.respaced(spot.respaced),
    }


def column_delete(
    *,
    actor: User,
    column_id: UUID,
    move_to: UUID | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> None:
    """Its tasks go to the bottom of `move_to`, in their order. Raises Conflict `column-not-empty`."""
    project_id = project_id_of(Column, column_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        column = fresh(Column.objects.all(), column_id)
        permissions.require_writer(change.role)
        target = _target(change, column, move_to)
        task_ids = list(Task.objects.filter(column=column).values_list("id", flat=True))
        if task_ids and target is None:
            tasks = "a task" if len(task_ids) == 1 else f"{len(task_ids):,} tasks"
            raise Conflict(
                f"The column holds {tasks}: moveTo has to name the column that gets them.",
                code="column-not-empty",
                present=len(task_ids),
            )
        positions = _append(target, task_ids) if target else {}
        named = {str(id_): position for id_, position in positions.items()}
        data = events.column_deleted(column, move_to, named)
        column.delete()
        change.emit(Event.COLUMN_DELETED, data)


def _target(change: Change, column: Column, move_to: UUID | None) -> Column | None:
    if move_to is None:
        return None
    target = Column.objects.filter(project=change.project, pk=move_to).exclude(pk=column.pk).first()
    if target is None:
        raise Invalid({"move_to": [Fault("Expected another column of the same project.", "not-found")]})
    return target


def _append(target: Column, task_ids: list[UUID]) -> dict[UUID, int]:
    """Stand the tasks below the target's own. Their versions stay: the column changed, not they."""
    present = list(Task.objects.filter(column=target).values_list("id", "position"))
    first = present[-1][1] + ordering.GAP if present else 0
    if first + len(task_ids) * ordering.GAP <= ordering.LIMIT:
        positions = {id_: first + i * ordering.GAP for i, id_ in enumerate(task_ids)}
    else:
        order = [id_ for id_, _ in present] + task_ids
        positions = dict(zip(order, ordering.spaced(len(order)), strict=True))
    placing.write_positions(Task.objects.all(), positions, column=target.pk)
    return positions
