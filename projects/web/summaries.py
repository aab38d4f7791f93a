"""What a board's card on the list says: its columns with their counts, its people, and whose it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Window
from django.db.models.functions import RowNumber

from projects.models import Column, Membership, Project, Role, Task

COLUMNS = 4  # that a card names; the others it counts


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    name: str
    tasks: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`columns`: the first COLUMNS; `role`: of the reader, None where they are no member; `owner`: who has
    owned the board for longest, of those who have agreed to.
    """

    id: UUID
    name: str
    public: bool
    role: str | None
    tasks: int
    members: int
    owner: str
    columns: list[ColumnSummary]
    more_columns: int


def summaries(boards: Sequence[Project]) -> list[Summary]:
    """Five queries, however many boards."""
    columns, more = _columns(boards)
    members = _member_counts(boards)
    owners = _owners(boards)
    return [
        Summary(
            board.pk,
            board.name,
            board.public,
            getattr(board, "role", None),
            board.task_count,
            members.get(board.pk, 0),
            owners.get(board.pk, ""),
            columns[board.pk],
            more.get(board.pk, 0),
        )
        for board in boards
    ]


def _columns(boards: Sequence[Project]) -> tuple[defaultdict[UUID, list[ColumnSummary]], dict[UUID, int]]:
    """The first of each board, and how many others it has."""
    rows = Column.objects.filter(project__in=boards).annotate(
        place=Window(RowNumber(), partition_by="project", order_by=("position", "id")),
        present=Window(Count("id"), partition_by="project"),
    )
    shown = list(rows.filter(place__lte=COLUMNS).order_by("place"))
    counted = Task.objects.filter(column__in=shown).order_by().values_list("column")
    tasks = dict(counted.annotate(Count("id")))
    found: defaultdict[UUID, list[ColumnSummary]] = defaultdict(list)
    for column in shown:
        found[column.project_id].append(ColumnSummary(column.name, tasks.get(column.pk, 0)))
    return found, {column.project_id: column.present - COLUMNS for column in shown}


def _member_counts(boards: Sequence[Project]) -> dict[UUID, int]:
    counted = Membership.objects.filter(project__in=boards).order_by().values_list("project")
    return dict(counted.annotate(Count("id")))


def _owners(boards: Sequence[Project]) -> dict[UUID, str]:
    owners = Membership.objects.filter(project__in=boards, role=Role.OWNER, accepted=True)
    longest = Window(RowNumber(), partition_by="project", order_by=("created_at", "id"))
    first = owners.annotate(place=longest).filter(place=1).select_related("user")
    return {owner.project_id: owner.user.display_name for owner in first}
