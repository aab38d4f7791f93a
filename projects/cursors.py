"""Cursors of lists: the place of the last row that was shown, as text for an address."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q


def after(keys: Sequence[str], values: Sequence[Any]) -> Q:
    """(a, b, …) > (x, y, …), key by key. The first condition lets an index begin there."""
    (key, *rest), (value, *others) = keys, values
    later = Q(**{f"{key}__gt": value})
    return Q(**{f"{key}__gte": value}) & (later | after(rest, others)) if rest else later


def encode(values: Sequence[Any]) -> str:
    texts = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(orjson.dumps(texts)).decode()


def decode(model: type[Model], keys: Sequence[str], cursor: str) -> list[Any]:
    """What `encode` was given for these keys of the model. Raises ValueError for any other text."""
    try:
        texts = orjson.loads(base64.b64decode(cursor, altchars=b"-_", validate=True))
        return [_value(model, key, text) for key, text in zip(keys, texts, strict=True)]
    except (ValueError, TypeError, binascii.Error, ValidationError):
        raise ValueError(f"expected a cursor, got {cursor!r}") from None


def _value(model: type[Model], key: str, text: str) -> Any:
    if "\0" in text:  # which PostgreSQL takes for no text; what else a name may not have, an old one may
        raise ValueError(text)
    field: Field[Any, Any] = model._meta.get_field(key)  # type: ignore[assignment]
    return field.to_python(text)
