"""`/api/projects/{id}/columns/`, `/api/columns/{id}/` and its move."""

from __future__ import annotations

from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from projects import events, selectors, services
from projects.api import answers, requests, schema
from projects.api.pagination import page
from projects.api.views import DomainView, at_one_moment, write


class Columns(DomainView):
    @schema.lists("columns_list", "A project's columns, from left to right", answers.Column)
    @at_one_moment
    def get(self, request: Request, project_id: UUID) -> Response:
        project = selectors.project_for(request.user, project_id)
        return page(request, selectors.columns_of(project), events.column)

    @schema.writes(
        "columns_create",
        "Add a column at the right end",
        201,
        answers.Column,
        body=requests.ColumnCreate,
        example={"name": "Review"},
    )
    @write(body=requests.ColumnCreate)
    def post(self, project_id: UUID) -> Response:
        column = services.column_create(
            actor=self.actor,
            project_id=project_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(
            events.column(column),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/columns/{column.pk}/"},
        )


class Column(DomainView):
    @schema.reads("columns_read", "A column", answers.Column)
    def get(self, request: Request, column_id: UUID) -> Response:
        self.query(requests.NoQuery)
        return Response(events.column(selectors.column_for(request.user, column_id)))

    @schema.writes(
        "columns_update",
        "Rename a column, or mark it as done",
        200,
        answers.Column,
        body=requests.ColumnPatch,
        example={"name": "Ready", "done": True},
    )
    @write(body=requests.ColumnPatch)
    def patch(self, column_id: UUID) -> Response:
        column = services.column_update(
            actor=self.actor,
            column_id=column_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(events.column(column))

    @schema.writes(
        "columns_delete",
        "Delete a column; its tasks go to another",
        204,
        parameters=[schema.MOVE_TO],
    )
    @write(query=requests.ColumnDeleteQuery)
    def delete(self, column_id: UUID) -> Response:
        services.column_delete(
            actor=self.actor,
            column_id=column_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class ColumnMove(DomainView):
    @schema.writes(
        "columns_move",
        "Move a column",
        200,
        answers.Column,
        body=requests.ColumnMove,
        example={"after": None},
    )
    @write(body=requests.ColumnMove)
    def post(self, column_id: UUID) -> Response:
        column = services.column_move(
            actor=self.actor,
            column_id=column_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(events.column(column))
