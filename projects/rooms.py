"""The door to the gateway: a project is a room, and this is who may read it."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import FilteredRelation, Q

from projects.events import Event
from projects.models import Project
from realtime.ids import read_id
from realtime.rooms import Room, RoomKind

NO_ROW = UUID(int=0)  # the id of no row, for queries that have to be asked all the same


def readers(room_id: str, user_ids: Collection[str | None]) -> set[str | None]:
    """Those of `user_ids` that may read the project; None is a guest. One query.

    Empty for whatever is not a project's id in canonical form, so that one project
    is never two rooms. A superuser counts only as the member they are.
    """
    if read_id(room_id) != room_id:
        return set()
    people = [user_id for user_id in user_ids if user_id is not None and read_id(user_id) == user_id]
    people.append(str(NO_ROW))  # an empty list would make the whole query empty
    rows = list(
        Project.objects.filter(pk=room_id)
        .annotate(reader=FilteredRelation("memberships", condition=Q(memberships__user__in=people)))
        .values_list("public", "reader__user")
    )
    if any(public for public, _ in rows):
        return set(user_ids)
    return {str(user_id) for _, user_id in rows if user_id is not None}


PROJECT = RoomKind(name="project", id_key="projectId", events=frozenset(map(str, Event)), readers=readers)


def room_of(project_id: UUID | str) -> Room:
    return Room(PROJECT, str(project_id))
