"""Rooms, and what a domain says about its own.

A room is a stream of events that people join. The domain hands over one `RoomKind`; nothing else of
it is known here. A room's name and the name of its channel-layer group are built in this file only.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

UserId = str | None
"""A user's id, or None for a guest."""


@dataclass(frozen=True, slots=True)
class RoomKind:
    """What a domain implements to have rooms.

    name: "project" gives the frames `project:join` and `project:leave`
    id_key: the key that carries a room's id on the wire, "projectId"
    events: the names of the domain's events; nobody else may publish in their namespaces
    readers: (room id, user ids) -> those of them who may read the room; empty where it does not exist.
        Synchronous, one query, called for those who join or poll (all who ask at the same time together)
        and whenever rights may have changed.
    """

    name: str
    id_key: str
    events: frozenset[str]
    readers: Callable[[str, Collection[UserId]], set[UserId]]

    @property
    def namespaces(self) -> set[str]:
        return {event.partition(":")[0] for event in self.events}


@dataclass(frozen=True, slots=True)
class Room:
    """One room: `Room(PROJECT, "0b9c…").name == "project:0b9c…"`."""

    kind: RoomKind
    id: str

    @property
    def name(self) -> str:
        return f"{self.kind.name}:{self.id}"


def group_name(room_name: str) -> str:
    """The channel-layer group of a room; a colon is not legal there."""
    return "room." + room_name.replace(":", ".")
