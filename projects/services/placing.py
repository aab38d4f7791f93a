"""Put a row among its siblings, tasks of a column or columns of a board, under the room's lock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from projects import ordering
from projects.ordering import Place

Siblings = QuerySet[Any]


class Above(NamedTuple):
    """The sibling that another one stands right below."""

    id: UUID
    position: int


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a row is to stand. `respaced` holds every position that changes, the row's own included."""

    after: UUID | None
    position: int
    respaced: dict[UUID, int] = field(default_factory=dict)


def neighbour_above(siblings: Siblings, row: Any) -> Above | None:
    """The sibling right above the row; None: it stands at the top."""
    above = Q(position__lt=row.position) | Q(position=row.position, id__lt=row.pk)
    return _last(siblings.filter(above))


def resolve(siblings: Siblings, after: UUID | Place | None) -> Above | None:
    """The row to stand below; None: stand at the top.

    An `after` that has left these siblings, or the world, gets the bottom: whoever aimed
    below it meant "not at the top", and nothing that is still there says more.
    """
    if after is None:
        return None
    named = _first(siblings.filter(pk=after)) if isinstance(after, UUID) else None
    return named or _last(siblings)


def _last(siblings: Siblings) -> Above | None:
    return _first(siblings.order_by("-position", "-id"))


def _first(siblings: Siblings) -> Above | None:
    found = siblings.values_list("id", "position").first()
    return found and Above(*found)


def spot(siblings: Siblings, above: Above | None, row_id: UUID) -> Spot:
    """The place right below `above`. Where the gap there is used up, all the siblings are re-spaced.

    `siblings` are the rows without the one to be placed; `above` comes from `resolve`.
    """
    after, position = above or (None, None)
    place = ordering.between(position, _position_below(siblings, above))
    return _respace(siblings, after, row_id) if place is None else Spot(after, place)


def _position_below(siblings: Siblings, above: Above | None) -> int | None:
    if above is not None:
        further = Q(position__gt=above.position) | Q(position=above.position, id__gt=above.id)
        siblings = siblings.filter(further)
    below: int | None = siblings.order_by("position", "id").values_list("position", flat=True).first()
    return below


def _respace(siblings: Siblings, after: UUID | None, row_id: UUID) -> Spot:
    before = dict(siblings.order_by("position", "id").values_list("id", "position"))
    ids = list(before)
    ids.insert(0 if after is None else ids.index(after) + 1, row_id)
    positions = dict(zip(ids, ordering.spaced(len(ids)), strict=True))
    changed = {id_: new for id_, new in positions.items() if before.get(id_) != new}
    write_positions(siblings, {id_: new for id_, new in changed.items() if id_ != row_id})
    return Spot(after, positions[row_id], changed)


def write_positions(rows: Siblings, positions: dict[UUID, int], **columns: Any) -> None:
    """Write many positions, and the same value in `columns`, as one batch.

    Not `bulk_update`, whose CASE grows with the rows: ten thousand took it seconds.
    """
    meta = rows.model._meta
    names = [meta.get_field("position").column, *(meta.get_field(name).column for name in columns)]
    shared = [meta.get_field(name).get_db_prep_value(value, connection) for name, value in columns.items()]
    quote = connection.ops.quote_name
    assignments = ", ".join(f"{quote(name)} = %s" for name in names)
    key = meta.pk.get_db_prep_value
    with connection.cursor() as cursor:
        cursor.executemany(
            # Names of our own models' tables and columns; the values are parameters.
            f"UPDATE {quote(meta.db_table)} SET {assignments} WHERE {quote(meta.pk.column)} = %s",  # noqa: S608
            [(position, *shared, key(id_, connection)) for id_, position in positions.items()],
        )
