"""Lists in pages, `{results, next}`, of so many rows or bytes.

The cursor is the last row's place, so no row is skipped or doubled when others come and go between two pages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import orjson
from django.core.exceptions import ValidationError as Malformed
from django.db.models import Field, Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

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
    limit = _limit(query.validated_data.get("limit"))
    keys = tuple(str(key) for key in rows.query.order_by or rows.model._meta.ordering or ())
    if "cursor" in query.validated_data:
        rows = rows.filter(_after(keys, _values(rows.model, keys, query.validated_data["cursor"])))
    results, last = _read(rows, keys, limit, build)
    following = None
    if last is not None:
        following = replace_query_param(request.build_absolute_uri(), "cursor", _cursor(keys, last))
    return Response({"results": results, "next": following})


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
        left = rows.filter(_after(keys, [getattr(last, key) for key in keys]))


def _limit(text: str | None) -> int:
    limit = DEFAULT_LIMIT if text is None else int(text)
    if not 1 <= limit <= MAX_LIMIT:
        raise ValidationError({"limit": [f"Expected 1 to {MAX_LIMIT}, got {limit}."]})
    return limit


def _after(keys: tuple[str, ...], values: list[Any]) -> Q:
    """(a, b, …) > (x, y, …), key by key."""
    (key, *rest), (value, *others) = keys, values
    later = Q(**{f"{key}__gt": value})
    return later | (Q(**{key: value}) & _after(tuple(rest), others)) if rest else later


def _cursor(keys: tuple[str, ...], row: Model) -> str:
    values = [getattr(row, key) for key in keys]
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(texts)).decode()


def _value(model: type[Model], key: str, text: str) -> Any:
    if "\0" in text:  # which PostgreSQL takes for no text; what else a name may not have, an old one may
        raise ValueError(text)
    field: Field[Any, Any] = model._meta.get_field(key)  # type: ignore[assignment]
    return field.to_python(text)


def _values(model: type[Model], keys: tuple[str, ...], cursor: str) -> list[Any]:
    try:
        texts = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return [_value(model, key, text) for key, text in zip(keys, texts, strict=True)]
    except (ValueError, TypeError, binascii.Error, Malformed):
        raise ValidationError({"cursor": ["Expected the cursor of a `next` address, unchanged."]}) from None
