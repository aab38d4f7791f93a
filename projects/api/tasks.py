"""`/api/projects/{id}/tasks/`, `/api/tasks/{id}/` and its move."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from projects import events, selectors, services
from projects.api import answers, requests, schema
from projects.api.pagination import page
from projects.api.preconditions import conditions_of, task_headers
from projects.api.views import DomainView, at_one_moment, write
from projects.models import Task as TaskRow


def _answer(task: TaskRow) -> Response:
    return Response(events.task(task), headers=task_headers(task))


class Tasks(DomainView):
    @schema.lists("tasks_list", "A project's tasks, oldest first", answers.Task)
    @at_one_moment
    def get(self, request: Request, project_id: UUID) -> Response:
        project = selectors.project_for(request.user, project_id)
        return page(request, selectors.tasks_of(project), events.task)

    @schema.writes(
        "tasks_create",
        "Create a task",
        201,
        answers.Task,
        body=requests.TaskCreate,
        example={"title": "Write the release notes", "labels": ["docs"], "dueOn": "2026-12-01"},
        headers=["ETag"],
    )
    @write(body=requests.TaskCreate)
    def post(self, project_id: UUID) -> Response:
        task = services.task_create(
            actor=self.actor,
            project_id=project_id,
            mutation_id=self.mutation_id,
            **self.given,
        )
        headers = {"Location": f"/api/tasks/{task.pk}/", **task_headers(task)}
        return Response(events.task(task), status=status.HTTP_201_CREATED, headers=headers)


class Task(DomainView):
    heeds_versions = True

    @schema.reads("tasks_read", "A task", answers.Task, headers=["ETag"])
    def get(self, request: Request, task_id: UUID) -> Response:
        self.query(requests.NoQuery)
        return _answer(selectors.task_for(request.user, task_id))

    @schema.writes(
        "tasks_update",
        "Change a task's words, assignee, labels or date",
        200,
        answers.Task,
        body=requests.TaskPatch,
        example={"title": "Write and publish the release notes"},
        parameters=schema.CONDITIONS,
        headers=["ETag"],
        refusals=[412],
    )
    @write(body=requests.TaskPatch)
    def patch(self, task_id: UUID) -> Response:
        task = services.task_update(
            actor=self.actor,
            task_id=task_id,
            changes=cast("services.TaskChanges", self.given),
            versions=conditions_of(self.request),
            mutation_id=self.mutation_id,
        )
        return _answer(task)

    @schema.writes(
        "tasks_delete",
        "Delete a task and its comments",
        204,
        parameters=schema.CONDITIONS,
        refusals=[412],
    )
    @write()
    def delete(self, task_id: UUID) -> Response:
        services.task_delete(
            actor=self.actor,
            task_id=task_id,
            versions=conditions_of(self.request),
            mutation_id=self.mutation_id,
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class TaskMove(DomainView):
    heeds_versions = True

    @schema.writes(
        "tasks_move",
        "Move a task; an `after` that is no longer there gives the bottom of the column",
        200,
        answers.Task,
        body=requests.TaskMove,
        example={"column": "0b9c1c1e-0000-4000-8000-000000000001", "after": None},
        parameters=schema.CONDITIONS,
        headers=["ETag"],
        refusals=[412],
    )
    @write(body=requests.TaskMove)
    def post(self, task_id: UUID) -> Response:
        task = services.task_move(
            actor=self.actor,
            task_id=task_id,
            versions=conditions_of(self.request),
            mutation_id=self.mutation_id,
            **self.given,
        )
        return _answer(task)
