"""The catalogue of a project's events, and the one place where rows become their wire shapes.

Everything that leaves the domain, an event's data, an API answer or a board, is built here,
so that the three can never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypedDict, cast
from uuid import UUID

import orjson
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Substr

from projects import limits
from projects.models import Column, Comment, Membership, Project, Task, User
from projects.texts import Day, Id, Json, Moment
from realtime.eventlog import rfc3339


class Event(StrEnum):
    """`<entity>:<past participle>`, lower case: what happened to one row of a project.

    The entity is the event's namespace; another service that publishes into a room
    may use none of ours. An event says what is, not what to do: its data hold the whole
    entity as it stands after the change, so that a client can apply it without a question.
    """

    PROJECT_CREATED = "project:created"
    PROJECT_UPDATED = "project:updated"
    PROJECT_DELETED = "project:deleted"
    COLUMN_CREATED = "column:created"
    COLUMN_UPDATED = "column:updated"
    COLUMN_MOVED = "column:moved"
    COLUMN_DELETED = "column:deleted"
    TASK_CREATED = "task:created"
    TASK_UPDATED = "task:updated"
    TASK_MOVED = "task:moved"
    TASK_DELETED = "task:deleted"
    COMMENT_CREATED = "comment:created"
    COMMENT_UPDATED = "comment:updated"
    COMMENT_DELETED = "comment:deleted"
    MEMBER_ADDED = "member:added"
    MEMBER_UPDATED = "member:updated"
    MEMBER_REMOVED = "member:removed"
    PERSON_UPDATED = "person:updated"


Positions = dict[str, int]


class PersonData(TypedDict):
    id: str
    name: str
    username: str


class ProjectData(TypedDict):
    id: str
    name: str
    public: bool


class MemberData(TypedDict):
    id: str
    user: PersonData
    role: str


class ColumnData(TypedDict):
    id: str
    name: str
    done: bool
    position: int


class TaskData(TypedDict):
    id: str
    projectId: str
    title: str
    description: str
    column: str
    position: int
    assignee: str | None
    labels: list[str]
    dueOn: str | None
    version: int
    createdAt: str
    updatedAt: str


class TaskOnBoardData(TaskData, total=False):
    descriptionCut: bool


class CommentData(TypedDict):
    id: str
    taskId: str
    author: PersonData
    text: str
    createdAt: str
    updatedAt: str


def person(user: User) -> PersonData:
    return {"id": str(user.pk), "name": user.display_name, "username": user.username}


def project(row: Project) -> ProjectData:
    return {"id": str(row.pk), "name": row.name, "public": row.public}


def member(row: Membership) -> MemberData:
    """Reads `row.user`: select it along."""
    return {"id": str(row.pk), "user": person(row.user), "role": row.role}


def column(row: Column) -> ColumnData:
    return {"id": str(row.pk), "name": row.name, "done": row.done, "position": row.position}


def task(row: Task) -> TaskData:
    return {
        "id": str(row.id),
        "projectId": str(row.project_id),
        "title": row.title,
        "description": row.description,
        "column": str(row.column_id),
        "position": row.position,
        "assignee": str(row.assignee_id) if row.assignee_id else None,
        "labels": row.labels,
        "dueOn": row.due_on.isoformat() if row.due_on else None,
        "version": row.version,
        "createdAt": rfc3339(row.created_at),
        "updatedAt": rfc3339(row.updated_at),
    }


# The same by way of the database, which makes the texts: for a board, whose tasks are thousands. Of a long
# description it gives one character more than a board shows, which tells that it is long.
TASK_TEXTS: dict[str, Combinable] = {
    "id": Id("id"),
    "projectId": Id("project_id"),
    "title": F("title"),
    "description": Substr("description", 1, limits.SHOWN_DESCRIPTION + 1),
    "column": Id("column_id"),
    "position": F("position"),
    "assignee": Id("assignee_id"),
    "labels": Json("labels"),
    "dueOn": Day("due_on"),
    "version": F("version"),
    "createdAt": Moment("created_at"),
    "updatedAt": Moment("updated_at"),
}


def task_on_board(row: Sequence[Any]) -> TaskOnBoardData:
    """A row of the values of TASK_TEXTS, as a snapshot shows it: of a long description the beginning."""
    found = dict(zip(TASK_TEXTS, row, strict=True))
    found["labels"] = orjson.loads(found["labels"])
    if len(found["description"]) > limits.SHOWN_DESCRIPTION:
        found["description"] = found["description"][: limits.SHOWN_DESCRIPTION]
        found["descriptionCut"] = True
    return cast("TaskOnBoardData", found)


def comment(row: Comment) -> CommentData:
    """Reads `row.author`: select it along."""
    return {
        "id": str(row.pk),
        "taskId": str(row.task_id),
        "author": person(row.author),
        "text": row.text,
        "createdAt": rfc3339(row.created_at),
        "updatedAt": rfc3339(row.updated_at),
    }


def deleted(row: Task) -> dict[str, str]:
    """A deleted task is only its id; its comments go with it and have no events of their own."""
    return {"id": str(row.pk)}


def column_deleted(row: Column, moved_to: UUID | None, positions: Positions) -> dict[str, object]:
    """`positions`: where each of the column's tasks now stands in `movedTo`."""
    moved = str(moved_to) if moved_to else None
    return {"id": str(row.pk), "movedTo": moved, "positions": positions}


def task_place(column_id: UUID, after: UUID | None) -> dict[str, str | None]:
    """One end of a task's move; `after` None: the top of the column."""
    return {"column": str(column_id), "after": str(after) if after else None}


def column_place(after: UUID | None) -> dict[str, str | None]:
    """One end of a column's move; `after` None: the first of the board."""
    return {"after": str(after) if after else None}


def created(data: Mapping[str, Any]) -> dict[str, Any]:
    """Of the data of an event of creation those of the new row alone."""
    return {name: value for name, value in data.items() if name != "respaced"}


def respaced(positions: dict[UUID, int]) -> dict[str, Positions]:
    """The `respaced` entry, or nothing where nobody else had to make room."""
    if not positions:
        return {}
    return {"respaced": {str(id_): position for id_, position in positions.items()}}
