"""The limits of a board, held under its room's lock: so no two writers can exceed one together.

A limit refuses what adds to a board beyond it. A board that holds more already, from a time with another
limit, can be read, changed and made smaller. What is counted stands in the project's own row, which the
service has read under the lock anyway: to look at a limit costs no query, to count a change one statement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, F, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest, Length

from projects.errors import LimitReached
from projects.models import Column, Comment, LabelUse, Membership, Project, Task, User


@dataclass(frozen=True, slots=True)
class Size:
    """What a row adds to its board."""

    tasks: int = 0
    comments: int = 0
    characters: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(
            self.tasks + other.tasks, self.comments + other.comments, self.characters + other.characters
        )

    def __neg__(self) -> Size:
        return Size(-self.tasks, -self.comments, -self.characters)

    def __sub__(self, other: Size) -> Size:
        return self + -other


def of_task(task: Task) -> Size:
    """Without its comments."""
    labels = sum(map(len, task.labels))
    return Size(tasks=1, characters=len(task.title) + len(task.description) + labels)


def of_comment(comment: Comment) -> Size:
    return Size(comments=1, characters=len(comment.text))


def of_comments(task: Task) -> Size:
    """Of all the comments of a task."""
    found = Comment.objects.filter(task=task).aggregate(rows=Count("id"), characters=Sum(Length("text")))
    return Size(comments=found["rows"], characters=found["characters"] or 0)


def resize(project: Project, added: Size) -> None:
    """Count what a change adds to the project, or with negative numbers takes away. Raises LimitReached.

    `project`: as it was read under the lock.
    """
    _hold("tasks", project.task_count, added.tasks, settings.MAX_TASKS_PER_BOARD)
    _hold("comments", project.comment_count, added.comments, settings.MAX_COMMENTS_PER_BOARD)
    _hold("characters", project.characters, added.characters, settings.MAX_CHARACTERS_PER_BOARD)
    if added == Size():
        return
    Project.objects.filter(pk=project.pk).update(
        task_count=_counted("task_count", added.tasks),
        comment_count=_counted("comment_count", added.comments),
        characters=_counted("characters", added.characters),
    )


def _counted(field: str, added: int) -> Combinable:
    """Never below 0: a gateway of an earlier version, which does not count, may have written meanwhile."""
    return Greatest(F(field) + added, 0)


def relabel(project: Project, before: Collection[str], after: Collection[str]) -> None:
    """Count the labels that a task had and has now. Raises LimitReached."""
    added = [label for label in after if label not in before]
    removed = [label for label in before if label not in after]
    if not added and not removed:
        return
    uses = LabelUse.objects.filter(project=project)
    known = dict(uses.filter(label__in=[*added, *removed]).values_list("label", "tasks"))
    new = [label for label in added if label not in known]
    gone = [label for label in removed if known.get(label) == 1]
    if new:
        _hold("labels", uses.count(), len(new) - len(gone), settings.MAX_LABELS_PER_BOARD)
        LabelUse.objects.bulk_create(LabelUse(project=project, label=label, tasks=1) for label in new)
    if gone:
        uses.filter(label__in=gone).delete()
    _count(project, [label for label in added if label in known], 1)
    _count(project, [label for label in removed if label not in gone], -1)


def _count(project: Project, labels: Sequence[str], step: int) -> None:
    if labels:
        LabelUse.objects.filter(project=project, label__in=labels).update(tasks=F("tasks") + step)


def hold_columns(project: Project, added: int = 1) -> None:
    """Raises LimitReached where the project may not get so many columns more."""
    present = Column.objects.filter(project=project).count()
    _hold("columns", present, added, settings.MAX_COLUMNS_PER_BOARD)


def hold_members(project: Project) -> None:
    """Raises LimitReached where the project may not get another member."""
    present = Membership.objects.filter(project=project).count()
    _hold("members", present, 1, settings.MAX_MEMBERS_PER_BOARD)


def hold_boards(maker: User) -> None:
    """Raises LimitReached where the person, who is locked, may not make another board.

    Counted by who made a board and not by who owns it: else one could fill up another's share by making them
    an owner, and free one's own by leaving.
    """
    allowed = settings.MAX_BOARDS_PER_USER
    present = Project.objects.filter(maker=maker).count() if allowed else 0
    if allowed and present >= allowed:
        raise LimitReached(
            f"You have made {present:,} boards, and {allowed:,} are allowed: delete one first.",
            limit="boards",
            present=present,
            allowed=allowed,
        )


def _hold(limit: str, present: int, added: int, allowed: int) -> None:
    """`allowed` 0: as much as one likes."""
    if not allowed or added <= 0 or present + added <= allowed:
        return
    there = f"The board has {present:,} {limit}"
    more = "" if added == 1 else f", this would add {added:,}"
    raise LimitReached(
        f"{there}{more}, and {allowed:,} are allowed: delete something first.",
        limit=limit,
        present=present,
        allowed=allowed,
    )
