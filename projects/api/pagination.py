"""Lists in pages, `{results, next}`, of so many rows or bytes.

The cursor is the last row's place, so no row is skipped or doubled when others come and go between two pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from django.db.models import Model, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from projects import cursors
from projects.api.requests import PageQuery

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
PAGE_BYTES = 1 << 20
READ_AT_ONCE = 100  # rows

Row = TypeVar("Row", bound=Model)


def page(request: Request, rows: QuerySet[Row], build: Callable[[Row], Any]) -> Response:
    """The page that `?limit=` and `?cursor=` ask for, in the order that `rows` has."""
    query = PageQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    limit = limit_of(query.validated_data)
    keys = tuple(str(key) for key in rows.query.order_by or rows.model._meta.ordering or ())
    if begins := place_of(query.validated_data, rows.model, keys):
        rows = rows.filter(cursors.after(keys, begins))
    results, last = _read(rows, keys, limit, build)
    ends = [getattr(last, key) for key in keys] if last is not None else None
    return answer(request, results, ends)


def _read(
    rows: QuerySet[Row], keys: tuple[str, ...], limit: int, build: Callable[[Row], Any]
) -> tuple[list[Any], Row | None]:
    """What a page holds, and its last row where others follow. A row is whole, so the last may be beyond the
    bytes; few are read at once, since each may be large.
    """
    results: list[Any] = []
    size, last, left = 0, None, rows
    while True:
        asked = min(limit - len(results), READ_AT_ONCE) + 1
        part = list(left[:asked])
        for row in part:
            if len(results) == limit or size >= PAGE_BYTES:
                return results, last
            results.append(build(row))
            size += len(orjson.dumps(results[-1], default=str))
            last = row
        if last is None or len(part) < asked:
            return results, None
        left = rows.filter(cursors.after(keys, [getattr(last, key) for key in keys]))


def limit_of(query: dict[str, Any]) -> int:
    """Raises ValidationError."""
    limit = int(query.get("limit", DEFAULT_LIMIT))
    if not 1 <= limit <= MAX_LIMIT:
        raise ValidationError({"limit": [f"Expected 1 to {MAX_LIMIT}, got {limit}."]})
    return limit


def place_of(query: dict[str, Any], model: type[Model], keys: Sequence[str]) -> list[Any] | None:
    """Behind which place the page begins; None: it is the first. Raises ValidationError."""
    if "cursor" not in query:
        return None
    try:
        return cursors.decode(model, keys, query["cursor"])
    except ValueError:
        raise ValidationError({"cursor": ["Expected the cursor of a `next` address, unchanged."]}) from None


def answer(request: Request, results: list[Any], last: Sequence[Any] | None) -> Response:
    """`last`: the place behind which the next page begins; None: there is none."""
    following = None
    if last is not None:
        address = request.build_absolute_uri()
        following = replace_query_param(address, "cursor", cursors.encode(last))
    return Response({"results": results, "next": following})
