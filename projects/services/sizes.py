"""The limits of a board, held under its room's lock: so no two writers can exceed one together.

A limit refuses what adds to a board beyond it. A board that holds more already, from a time with another
limit, can be read, changed and made smaller. What is counted stands in the project's own row, which the
service has read under the lock anyway: to look at a limit costs no query, to count a change one statement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Length

from projects.errors import LimitReached
from projects.models import Column, Comment, LabelUse, Membership, Project, Task, User
from projects.spelling import distinct_labels, label_key


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
    # Never below 0: a gateway of an earlier version, which does not count, may have written meanwhile.
    project.task_count = max(0, project.task_count + added.tasks)
    project.comment_count = max(0, project.comment_count + added.comments)
    project.characters = max(0, project.characters + added.characters)
    Project.objects.filter(pk=project.pk).update(
        task_count=project.task_count, comment_count=project.comment_count, characters=project.characters
    )


def relabel(project: Project, before: Collection[str], after: Collection[str]) -> None:
    """Count the labels that a task had and has now. Raises LimitReached."""
    uses = LabelUse.objects.filter(project=project)
    gone = _take_out(uses, [label for label in before if label not in after])
    _put_in(project, uses, [label for label in after if label not in before], gone)


def board_labels(project: Project, present: Collection[str], labels: Sequence[str]) -> list[str]:
    """The labels in the board's spelling, each once. `present`: those of the task, which keep theirs.

    Of several spellings, from a time in which they were several labels, the one of the most tasks counts.
    """
    if all(label in present for label in labels):
        return distinct_labels(labels)
    uses = LabelUse.objects.filter(project=project).order_by("tasks", "-id").values_list("label", flat=True)
    known = {label: label for label in (*uses, *present)}
    by_key = {label_key(label): label for label in known}
    return distinct_labels(known.get(label) or by_key.get(label_key(label), label) for label in labels)


def _take_out(uses: QuerySet[LabelUse], labels: list[str]) -> int:
    """How many labels no task carries any more."""
    if not labels:
        return 0
    gone, _ = uses.filter(label__in=labels, tasks__lte=1).delete()
    if gone < len(labels):
        uses.filter(label__in=labels).update(tasks=F("tasks") - 1)
    return gone


def _put_in(project: Project, uses: QuerySet[LabelUse], labels: list[str], gone: int) -> None:
    """`gone`: how many labels have just made room."""
    if not labels or uses.filter(label__in=labels).update(tasks=F("tasks") + 1) == len(labels):
        return
    known = set(uses.filter(label__in=labels).values_list("label", flat=True))
    new = [LabelUse(project=project, label=label, tasks=1) for label in labels if label not in known]
    present = uses.count() + gone
    _hold("labels", present, len(new) - gone, settings.MAX_LABELS_PER_BOARD)
    LabelUse.objects.bulk_create(new)


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


def hold_memberships(user: User) -> None:
    """Raises LimitReached where the person, who is locked, may not be put on another board by others.

    Each of their boards is locked when they get another name. Whoever is on too many may leave some.
    """
    allowed = settings.MAX_BOARDS_BY_OTHERS_PER_USER
    present = Membership.objects.filter(user=user, accepted=False).count() if allowed else 0
    if allowed and present >= allowed:
        raise LimitReached(
            f"Others have put {user.username} on {present:,} boards, and {allowed:,} are allowed: "
            "they have to leave one first.",
            limit="memberships",
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
