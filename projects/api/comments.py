"""`/api/tasks/{id}/comments/` and `/api/comments/{id}/`."""

from __future__ import annotations

from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from projects import events, selectors, services
from projects.api import answers, requests, schema
from projects.api.pagination import page
from projects.api.views import DomainView, at_one_moment, write


class Comments(DomainView):
    @schema.lists("comments_list", "A task's comments, oldest first", answers.Comment)
    @at_one_moment
    def get(self, request: Request, task_id: UUID) -> Response:
        task = selectors.task_for(request.user, task_id)
        return page(request, selectors.comments_of(task), events.comment)

    @schema.writes(
        "comments_create",
        "Comment on a task",
        201,
        answers.Comment,
        body=requests.CommentCreate,
        example={"text": "Looks good to me."},
    )
    @write(body=requests.CommentCreate)
    def post(self, task_id: UUID) -> Response:
        comment = services.comment_create(
            actor=self.actor,
            task_id=task_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(
            events.comment(comment),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/comments/{comment.pk}/"},
        )


class Comment(DomainView):
    @schema.reads("comments_read", "A comment", answers.Comment)
    def get(self, request: Request, comment_id: UUID) -> Response:
        self.query(requests.NoQuery)
        return Response(events.comment(selectors.comment_for(request.user, comment_id)))

    @schema.writes(
        "comments_update",
        "Change one's own comment",
        200,
        answers.Comment,
        body=requests.CommentPatch,
        example={"text": "Looks good to me, with one question."},
    )
    @write(body=requests.CommentPatch)
    def patch(self, comment_id: UUID) -> Response:
        comment = services.comment_update(
            actor=self.actor,
            comment_id=comment_id,
            text=self.given.get("text"),
            mutation_id=self.mutation_id,
        )
        return Response(events.comment(comment))

    @schema.writes("comments_delete", "Delete a comment: its author, or an owner", 204)
    @write()
    def delete(self, comment_id: UUID) -> Response:
        services.comment_delete(actor=self.actor, comment_id=comment_id, mutation_id=self.mutation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)
