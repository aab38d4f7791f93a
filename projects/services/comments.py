"""What can happen to a comment."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone

from projects import events, permissions
from projects.events import Event
from projects.models import Comment, Task, User
from projects.services import sizes
from projects.services.writing import apply, changing, check, fresh, new, project_id_of


def comment_create(
    *,
    actor: User,
    task_id: UUID,
    text: str,
    id: UUID | None = None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Comment:
    """By the actor. The task's version stays: its words did not change. Raises IdTaken, LimitReached."""
    project_id = project_id_of(Task, task_id)
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        task = fresh(Task.objects.all(), task_id)
        permissions.require_writer(change.role)
        comment = new(Comment, id, task=task, author=actor, text=text)
        comment.updated_at = comment.created_at
        check(comment, ["text"])
        sizes.resize(change.project, sizes.of_comment(comment))
        comment.save(force_insert=True)
        change.emit(Event.COMMENT_CREATED, events.comment(comment))
    return comment


def comment_update(
    *,
    actor: User,
    comment_id: UUID,
    text: str | None,
    mutation_id: str | None = None,
    operator: bool = False,
) -> Comment:
    project_id = project_id_of(Comment, comment_id, "task__project_id")
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        comment = fresh(Comment.objects.select_related("author"), comment_id)
        is_author = operator or comment.author_id == actor.pk
        permissions.require_comment_author(change.role, is_author=is_author)
        before = sizes.of_comment(comment)
        if text is not None and apply(comment, {"text": text}):
            sizes.resize(change.project, sizes.of_comment(comment) - before)
            comment.updated_at = timezone.now()
            comment.save(update_fields=["text", "updated_at"])
            change.emit(Event.COMMENT_UPDATED, events.comment(comment))
    return comment


def comment_delete(
    *,
    actor: User,
    comment_id: UUID,
    mutation_id: str | None = None,
    operator: bool = False,
) -> None:
    project_id = project_id_of(Comment, comment_id, "task__project_id")
    with changing(project_id, actor=actor, mutation_id=mutation_id, operator=operator) as change:
        comment = fresh(Comment.objects.select_related("author"), comment_id)
        is_author = comment.author_id == actor.pk
        permissions.require_comment_remover(change.role, is_author=is_author)
        data = events.comment(comment)
        sizes.resize(change.project, -sizes.of_comment(comment))
        comment.delete()
        change.emit(Event.COMMENT_DELETED, data)
