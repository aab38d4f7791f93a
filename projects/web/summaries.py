"""What a board's card on the list says: its columns with their counts, and how many people it has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, QuerySet

from projects.models import Column, Membership, Project


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    name: str
    tasks: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`role` is None on a public board that one is not a member of."""

    id: UUID
    name: str
    public: bool
    role: str | None
    members: int
    columns: list[ColumnSummary]

    @property
    def tasks(self) -> int:
        return sum(column.tasks for column in self.columns)


def summaries(projects: QuerySet[Project]) -> list[Summary]:
    """Three queries, however many boards. `projects` come with their `role`."""
    rows = list(projects)
    columns = _columns(rows)
    members = _member_counts(rows)
    return [
        Summary(row.pk, row.name, row.public, row.role, members.get(row.pk, 0), columns[row.pk])  # type: ignore[attr-defined]
        for row in rows
    ]


def _columns(rows: list[Project]) -> defaultdict[UUID, list[ColumnSummary]]:
    found: defaultdict[UUID, list[ColumnSummary]] = defaultdict(list)
    counted = Column.objects.filter(project__in=rows).annotate(task_count=Count("tasks"))
    for column in counted.order_by("position", "id"):
        found[column.project_id].append(ColumnSummary(column.name, column.task_count))
    return found


def _member_counts(rows: list[Project]) -> dict[UUID, int]:
    counted = Membership.objects.filter(project__in=rows).order_by().values_list("project")
    return dict(counted.annotate(Count("id")))
