"""Serializer fields that take the JSON type they name and no other, and say what they expected."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from projects.spelling import with_line_feeds
from projects.validators import validate_line, validate_not_blank, validate_text
from realtime.ids import EXPECTED, read_id

UNKNOWN_TOLD = 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def json_type(value: object) -> str:
    """What a client would call the value it sent."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


class Text(serializers.CharField):
    """A description or a comment."""

    default_error_messages: ClassVar = {"wrong-type": "Expected a string, got {got}."}

    rule = staticmethod(validate_text)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators.append(self.rule)
        if not self.allow_blank:
            self.validators.append(validate_not_blank)

    def to_internal_value(self, data: Any) -> str:
        return with_line_feeds(super().to_internal_value(data))

    def run_validation(self, data: Any = serializers.empty) -> Any:
        # Before CharField's own, which takes numbers for strings.
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("wrong-type", got=json_type(data))
        return super().run_validation(data)


class Line(Text):
    """A name or a title."""

    rule = staticmethod(validate_line)


class Flag(serializers.BooleanField):
    default_error_messages: ClassVar = {"wrong-type": "Expected true or false, got {got}."}

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("wrong-type", got=json_type(data))
        return bool(data)


class Id(serializers.UUIDField):
    default_error_messages: ClassVar = {"not-an-id": f"Expected {EXPECTED}, got {{got}}."}

    def to_internal_value(self, data: Any) -> UUID:
        found = read_id(data) if isinstance(data, str) else None
        if found is None:
            self.fail("not-an-id", got="another string" if isinstance(data, str) else json_type(data))
        return UUID(found)


class NewId(Id):
    """Which a client chooses for what it creates."""

    def to_internal_value(self, data: Any) -> UUID:
        found = super().to_internal_value(data)
        if not found.int:
            self.fail("not-an-id", got="that of all zeros, which stands for nothing")
        return found


class Day(serializers.DateField):
    default_error_messages: ClassVar = {
        "not-a-date": "Expected a date of the calendar as YYYY-MM-DD, or null."
    }

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            self.fail("not-a-date")
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail("not-a-date")


class Choice(serializers.ChoiceField):
    default_error_messages: ClassVar = {"not-a-choice": "Expected one of {allowed}."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("not-a-choice", allowed=", ".join(self.choices))
        return data


class List(serializers.ListField):
    """An array whose items are looked at only where there are no more of them than `max_length`."""

    default_error_messages: ClassVar = {
        "wrong-type": "Expected an array, got {got}.",
        "too-many": "Expected at most {most} items, got {length}.",
    }

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(max_length=max_length, **kwargs)
        self._most = max_length

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("wrong-type", got=json_type(data))
        if len(data) > self._most:
            self.fail("too-many", most=self._most, length=len(data))
        return self.run_child_validation(data)

    def run_child_validation(self, data: list[Any]) -> list[Any]:
        """The items' values; what is wrong with one is a sentence that begins with its place, from 1."""
        values: list[Any] = []
        errors: list[Any] = []
        for place, item in enumerate(data, 1):
            try:
                values.append(self.child.run_validation(item))
            except serializers.ValidationError as refused:
                errors += [_of_item(place, said) for said in _sentences(refused.detail)]
        if errors:
            raise serializers.ValidationError(errors)
        return values


def _sentences(detail: Any) -> list[Any]:
    return detail if isinstance(detail, list) else [detail]


def _of_item(place: int, said: Any) -> ErrorDetail:
    return ErrorDetail(f"Item {place}: {said}", said.code)


class StrictSerializer(serializers.Serializer[Any]):
    """An object with these keys and no others. What it yields are a service's keyword arguments."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError(
                {"non_field_errors": [f"Expected a JSON object, got {json_type(data)}."]}, "wrong-type"
            )
        unknown = self._unknown(data)
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as refused:
            known = refused.detail if isinstance(refused.detail, dict) else {}
            raise serializers.ValidationError({**known, **unknown}) from None
        if unknown:
            raise serializers.ValidationError(unknown)
        return values

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        """What is wrong with names that are none of ours: the first UNKNOWN_TOLD, and how many there are."""
        unknown = [name for name in data if name not in self.fields]
        allowed = ", ".join(self.fields) or "none"
        said = [ErrorDetail(f"Unknown or read-only here; allowed: {allowed}.", "unknown")]
        found = dict.fromkeys(unknown[:UNKNOWN_TOLD], said)
        if len(unknown) <= UNKNOWN_TOLD:
            return found
        many = ErrorDetail(f"{len(unknown)} names are unknown; the first of them follow.", "unknown")
        return {"non_field_errors": [many], **found}
