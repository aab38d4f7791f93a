"""`/api/projects/`, `/api/projects/{id}/` and the board."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from projects import board_lists, events, models, selectors, services
from projects.api import answers, pagination, requests, schema
from projects.api.boards import board_cache, read_board
from projects.api.preconditions import is_known
from projects.api.views import DomainView, at_one_moment, write


class Projects(DomainView):
    @schema.lists(
        "projects_list",
        "The projects one may see, by name",
        answers.Project,
        parameters=[schema.NAMED],
        refusals=(400, 401),
    )
    @at_one_moment
    def get(self, request: Request) -> Response:
        query = self.query(requests.ProjectsQuery)
        asked = board_lists.Asked(
            pagination.limit_of(query),
            query.get("q", ""),
            pagination.place_of(query, models.Project, board_lists.KEYS),
        )
        found = board_lists.visible_boards(request.user, asked)
        return pagination.answer(request, [events.project(row) for row in found.boards], found.next)

    @schema.writes(
        "projects_create",
        "Create a project",
        201,
        answers.Project,
        body=requests.ProjectCreate,
        example={"name": "Website", "columns": ["Ideas", "Doing", "Done"]},
    )
    @write(body=requests.ProjectCreate)
    def post(self) -> Response:
        project = services.project_create(actor=self.actor, mutation_id=self.mutation_id, **self.given)
        return Response(
            events.project(project),
            status=status.HTTP_201_CREATED,
            headers={"Location": f"/api/projects/{project.pk}/"},
        )


class Project(DomainView):
    @schema.reads("projects_read", "A project", answers.Project)
    def get(self, request: Request, project_id: UUID) -> Response:
        self.query(requests.NoQuery)
        return Response(events.project(selectors.project_for(request.user, project_id)))

    @schema.writes(
        "projects_update",
        "Rename a project, open it to everybody or close it",
        200,
        answers.Project,
        body=requests.ProjectPatch,
        example={"public": True},
    )
    @write(body=requests.ProjectPatch)
    def patch(self, project_id: UUID) -> Response:
        project = services.project_update(
            actor=self.actor,
            project_id=project_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        return Response(events.project(project))

    @schema.writes("projects_delete", "Delete a project and all that is in it", 204)
    @write()
    def delete(self, project_id: UUID) -> Response:
        services.project_delete(actor=self.actor, project_id=project_id, mutation_id=self.mutation_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Board(DomainView):
    @schema.reads(
        "projects_board",
        "The whole board, one consistent snapshot in board order",
        answers.Board,
        parameters=[schema.INCLUDE, schema.IF_NONE_MATCH],
        headers=["ETag"],
        unchanged=True,
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        counts = "include" in self.query(requests.BoardQuery)
        answer = self._answer(request, project_id, counts)
        # Behind the reading: what is kept may be younger than a right that has ended meanwhile.
        selectors.require_reader(request.user, project_id)
        return answer

    def _answer(self, request: Request, project_id: UUID, counts: bool) -> Response:
        seq = selectors.board_head(request.user, project_id)
        if is_known(request, _tag(seq, counts)):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers=_headers(seq, counts))
        read = partial(read_board, project_id, comment_counts=counts)
        found = board_cache.get((project_id, counts), seq, read)
        return Response(found.json, headers=_headers(found.seq, counts))


def _headers(seq: int, counts: bool) -> dict[str, str]:
    return {"ETag": f'"{_tag(seq, counts)}"'}


# Counts the shapes that a board has had: one in an earlier shape, kept by a browser, is another one.
SHAPE = 2


def _tag(seq: int, counts: bool) -> str:
    """A board is what its log makes it, so `seq`, the shape and the variant say which one this is."""
    return f"{seq}.{SHAPE}c" if counts else f"{seq}.{SHAPE}"
