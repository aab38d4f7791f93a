"""The bodies that clients may send. Each yields the keyword arguments of its service."""

# ruff: noqa: N815 - names of the wire are camelCase

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from projects import limits
from projects.api.fields import Choice, Day, Flag, Id, Line, List, NewId, StrictSerializer, Text
from projects.models import Role
from projects.spelling import distinct_labels


class Labels(List):
    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", limits.LABELS)
        super().__init__(child=Line(max_length=limits.LABEL), **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        return distinct_labels(super().to_internal_value(data))


class Named(StrictSerializer):
    """Of what is created: its client may name it."""

    id = NewId(
        required=False,
        help_text="A UUID of the client's choice. The same with the same content again is the same creation, "
        "answered as before; with another content 409 `id-taken`.",
    )


class ProjectCreate(Named):
    name = Line(max_length=limits.NAME)
    public = Flag(required=False)
    columns = List(
        child=Line(max_length=limits.NAME),
        required=False,
        max_length=limits.COLUMNS,
        help_text="Names, from left to right; else To do, In progress and Done, which is marked as done.",
    )


class ProjectPatch(StrictSerializer):
    name = Line(max_length=limits.NAME, required=False)
    public = Flag(required=False)


class MemberAdd(Named):
    username = Line(max_length=150)
    role = Choice(choices=Role.choices)


class MemberPatch(StrictSerializer):
    role = Choice(choices=Role.choices, required=False)


class ColumnCreate(Named):
    name = Line(max_length=limits.NAME)
    done = Flag(required=False, help_text="Whether its tasks are finished.")


class ColumnPatch(StrictSerializer):
    name = Line(max_length=limits.NAME, required=False)
    done = Flag(required=False, help_text="Whether its tasks are finished.")


class ColumnMove(StrictSerializer):
    after = Id(allow_null=True, help_text="The column to stand right of; null: the left end.")


class TaskPatch(StrictSerializer):
    title = Line(max_length=limits.TITLE, required=False)
    description = Text(max_length=limits.DESCRIPTION, required=False, allow_blank=True, trim_whitespace=False)
    assignee = Id(source="assignee_id", required=False, allow_null=True, help_text="A member's user id.")
    labels = Labels(required=False)
    dueOn = Day(source="due_on", required=False, allow_null=True)


class TaskCreate(Named, TaskPatch):
    title = Line(max_length=limits.TITLE)
    column = Id(source="column_id", required=False, help_text="The first one where not given.")
    after = Id(
        required=False,
        allow_null=True,
        help_text="The task to stand below; null: the top; not given: the bottom.",
    )


class TaskMove(StrictSerializer):
    column = Id(source="column_id")
    after = Id(allow_null=True, help_text="The task to stand below; null: the top.")


class CommentCreate(Named):
    text = Text(max_length=limits.COMMENT, trim_whitespace=False)


class CommentPatch(StrictSerializer):
    text = Text(max_length=limits.COMMENT, required=False, trim_whitespace=False)


class ColumnDeleteQuery(StrictSerializer):
    moveTo = Id(source="move_to", required=False)


class BoardQuery(StrictSerializer):
    include = Choice(choices=["commentCounts"], required=False)


class PageQuery(StrictSerializer):
    """Query values are strings, so these fields are the lenient ones."""

    limit = serializers.RegexField(r"^[0-9]{1,4}$", required=False)
    cursor = Line(required=False, max_length=1000)


class ProjectsQuery(PageQuery):
    q = Line(required=False, allow_blank=True, max_length=limits.NAME)


class NoQuery(StrictSerializer):
    pass
