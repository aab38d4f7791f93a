"""Reads. Each costs the same number of queries whatever it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import BooleanField, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.expressions import RawSQL

from projects import events
from projects.errors import NotFound
from projects.models import Column, Comment, Membership, Project, Task, User
from projects.rooms import NO_ROW, readers, room_of
from realtime import eventlog

Reader = User | AnonymousUser
# What a snapshot is to make of a board's tasks, which are read one after the other.
Collect = Callable[[Iterable[events.TaskOnBoardData]], Any]
TASKS_AT_ONCE = 100  # read from the database
TASK_CHARACTERS = 400  # of a task in JSON, beside its words


def projects_visible_to(user: Reader) -> QuerySet[Project]:
    """The public projects and those that the user is a member of, each with `role` (None: not a member)."""
    if not isinstance(user, User):
        return Project.objects.filter(public=True).annotate(
            role=Value(None, output_field=CharField(null=True))
        )
    own = Membership.objects.filter(project=OuterRef("pk"), user=user)
    return Project.objects.filter(Q(public=True) | Exists(own)).annotate(
        role=Subquery(own.values("role")[:1])
    )


def project_for(user: Reader, project_id: UUID | str) -> Project:
    """The project with the reader's `role`. Raises NotFound, also where it may not be seen."""
    project = projects_visible_to(user).filter(pk=project_id).first()
    if project is None:
        raise NotFound("There is no such project.")
    return project


def role_of(user: Reader, project: Project) -> str | None:
    """ "owner", "editor", "viewer", or None for whoever is not a member."""
    if not isinstance(user, User):
        return None
    found = Membership.objects.filter(project=project, user=user).values_list("role", flat=True)
    return found.first()


def members_of(project: Project) -> QuerySet[Membership]:
    """In the order of joining, with their users."""
    return Membership.objects.filter(project=project).select_related("user")


def former_members_of(project: Project) -> QuerySet[User]:
    """Those who are no members any more and whom tasks are still assigned to."""
    assigned = Task.objects.filter(project=project, assignee__isnull=False).order_by().values("assignee")
    members = Membership.objects.filter(project=project).order_by().values("user")
    return User.objects.filter(pk__in=assigned).exclude(pk__in=members).order_by("pk")


def columns_of(project: Project) -> QuerySet[Column]:
    return Column.objects.filter(project=project)


def tasks_of(project: Project) -> QuerySet[Task]:
    """Oldest first, which no move changes: pages of a list must not shift under their reader."""
    return Task.objects.filter(project=project).order_by("created_at", "id")


def comments_of(task: Task) -> QuerySet[Comment]:
    return Comment.objects.filter(task=task).select_related("author")


def column_for(user: Reader, column_id: UUID) -> Column:
    """Raises NotFound, also where the project may not be seen; so do the three below."""
    column = Column.objects.filter(pk=column_id, project__in=_ids_visible_to(user)).first()
    if column is None:
        raise NotFound("There is no such column.")
    return column


def task_for(user: Reader, task_id: UUID) -> Task:
    task = Task.objects.filter(pk=task_id, project__in=_ids_visible_to(user)).first()
    if task is None:
        raise NotFound("There is no such task.")
    return task


def comment_for(user: Reader, comment_id: UUID) -> Comment:
    found = Comment.objects.filter(pk=comment_id, task__project__in=_ids_visible_to(user))
    comment = found.select_related("author").first()
    if comment is None:
        raise NotFound("There is no such comment.")
    return comment


def membership_for(user: Reader, membership_id: UUID) -> Membership:
    found = Membership.objects.filter(pk=membership_id, project__in=_ids_visible_to(user))
    membership = found.select_related("user").first()
    if membership is None:
        raise NotFound("There is no such member.")
    return membership


# As text: Django would take longer to build it, for each write, than the database to answer it.
_MAY_SEE = """(
    EXISTS (SELECT 1 FROM projects_membership WHERE project_id = %s AND user_id = %s)
    OR EXISTS (SELECT 1 FROM projects_project WHERE id = %s AND public)
)"""


def may_see(user: Reader, project_id: UUID) -> RawSQL:
    """A condition for any query: that the user may see the project at this moment.

    By it a project that may not be seen takes the same statements as one that is not there.
    """
    of_rows = Project._meta.pk.get_db_prep_value
    project, reader = (of_rows(id_, connection) for id_ in (project_id, user.pk or NO_ROW))
    return RawSQL(_MAY_SEE, (project, reader, project), BooleanField())  # noqa: S611  # values as parameters


def board_head(user: Reader, project_id: UUID) -> int:
    """seq of the board as it stands. Raises NotFound."""
    try:
        return eventlog.head(room_of(project_id), may_see(user, project_id))
    except eventlog.UnknownRoom:
        raise NotFound("There is no such project.") from None


def require_reader(user: Reader, project_id: UUID) -> None:
    """Raise NotFound unless the user may see the project now."""
    reader = str(user.pk) if isinstance(user, User) else None
    if reader not in readers(str(project_id), [reader]):
        raise NotFound("There is no such project.")


def board(user: Reader, project_id: UUID, *, comment_counts: bool = False) -> dict[str, Any]:
    """One consistent snapshot in board order: columns by `(position, id)`, tasks within each the same.

    A client that holds it and applies each event after `seq` has the database's board.
    With `comment_counts`: `commentCounts` {taskId: n}, for tasks that have comments.
    """
    with eventlog.consistent_read():
        return _board(project_for(user, project_id), comment_counts, list)


def board_unchecked(project_id: UUID, *, comment_counts: bool, collect: Collect) -> dict[str, Any]:
    """The same for whoever's rights have been looked at already. Raises NotFound."""
    with eventlog.consistent_read():
        project = Project.objects.filter(pk=project_id).first()
        if project is None:
            raise NotFound("There is no such project.")
        return _board(project, comment_counts, collect)


def board_size(project_id: UUID) -> int:
    """How many characters the snapshot of a board has at the most, or so; 0 where there is none."""
    counted = Project.objects.filter(pk=project_id).values_list("task_count", "characters").first()
    return counted[0] * TASK_CHARACTERS + counted[1] if counted else 0


def _board(project: Project, comment_counts: bool, collect: Collect) -> dict[str, Any]:
    found = {
        "seq": eventlog.head(room_of(project.pk)),
        "project": events.project(project),
        "members": [events.member(row) for row in members_of(project)],
        "columns": [events.column(row) for row in columns_of(project)],
        "tasks": collect(map(events.task_on_board, _task_texts(project).iterator(TASKS_AT_ONCE))),
        "people": [events.person(user) for user in former_members_of(project)],
    }
    if comment_counts:
        found["commentCounts"] = _comment_counts(project)
    return found


def _task_texts(project: Project) -> QuerySet[Task, Any]:
    """In board order, as rows of what an event of a task tells."""
    tasks = Task.objects.filter(project=project).order_by("column__position", "column_id", "position", "id")
    return tasks.values_list(*events.TASK_TEXTS.values())


def _comment_counts(project: Project) -> dict[str, int]:
    counted = (
        Comment.objects.filter(task__project=project).order_by().values_list("task").annotate(Count("id"))
    )
    return {str(task_id): count for task_id, count in counted}


def _ids_visible_to(user: Reader) -> QuerySet[Project, Any]:
    return projects_visible_to(user).values("pk")
