"""The shapes of answers, for the OpenAPI document. `projects.events` builds the answers themselves."""

# ruff: noqa: N815 - names of the wire are camelCase

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from projects import limits
from projects.models import Role

Shape = serializers.Serializer[Any]


class Person(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    username = serializers.CharField()


class Project(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    public = serializers.BooleanField()


class Member(Shape):
    id = serializers.UUIDField()
    user = Person()
    role = serializers.ChoiceField(choices=Role.choices)


class Column(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    done = serializers.BooleanField(help_text="Its tasks are finished, and so never overdue.")
    position = serializers.IntegerField(help_text="Columns sort by (position, id).")


class Task(Shape):
    id = serializers.UUIDField()
    projectId = serializers.UUIDField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    column = serializers.UUIDField()
    position = serializers.IntegerField(help_text="Tasks of a column sort by (position, id).")
    assignee = serializers.UUIDField(allow_null=True, help_text="A user id.")
    labels = serializers.ListField(child=serializers.CharField())
    dueOn = serializers.DateField(allow_null=True)
    version = serializers.IntegerField(help_text="Counts the updates and moves of this task.")
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class TaskOnBoard(Task):
    """Of a long description a board holds the beginning; the task's own address has the whole."""

    description = serializers.CharField(
        allow_blank=True, help_text=f"Its first {limits.SHOWN_DESCRIPTION} characters."
    )
    descriptionCut = serializers.BooleanField(required=False, help_text="True where there is more of it.")


class Comment(Shape):
    id = serializers.UUIDField()
    taskId = serializers.UUIDField()
    author = Person()
    text = serializers.CharField()
    createdAt = serializers.DateTimeField()
    updatedAt = serializers.DateTimeField()


class Board(Shape):
    seq = serializers.IntegerField(help_text="Go on from here with the events after it.")
    project = Project()
    members = Member(many=True)
    columns = Column(many=True)
    tasks = TaskOnBoard(many=True)
    people = Person(
        many=True, help_text="Whom tasks are assigned to though they are no members any more, by id."
    )
    commentCounts = serializers.DictField(
        child=serializers.IntegerField(),
        required=False,
        help_text="With ?include=commentCounts: {taskId: n}, for tasks that have comments.",
    )


class Problem(Shape):
    """RFC 9457."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField(help_text="Stable, for programs.")
    errors = serializers.DictField(  # type: ignore[assignment]  # a field here, not the property
        required=False, help_text="For bad input, by field: sentences."
    )
    codes = serializers.DictField(
        required=False, help_text="The same for programs, in the same order: `required`, `too-long` …"
    )


class Conflict(Problem):
    """With the code `limit-reached` it says of which limit, in numbers; with `column-not-empty`, `present` is
    how many tasks there are.
    """

    limit = serializers.CharField(
        required=False,
        help_text="What is counted: tasks, columns, labels, members, comments, characters, boards "
        "or memberships.",
    )
    present = serializers.IntegerField(required=False, help_text="How much of it there is.")
    allowed = serializers.IntegerField(required=False, help_text="How much of it there may be.")


class VersionConflict(Problem):
    """The task moved on; `task` is the present one."""

    task = Task()


def page_of(shape: type[Shape]) -> type[Shape]:
    """`{results, next}` of the shape."""
    fields = {
        "results": shape(many=True),
        "next": serializers.URLField(allow_null=True, help_text="The next page's address."),
    }
    return type(f"{shape.__name__}Page", (serializers.Serializer,), fields)
