"""Columns whose values have one form, whichever door they come by. For migrations they are Django's own."""

from __future__ import annotations

from typing import Any

from django.db import models

from projects.spelling import distinct_labels, with_line_feeds


class Prose(models.TextField):
    """Many lines, which end in LF."""

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return with_line_feeds(text) if isinstance(text, str) else text

    def deconstruct(self) -> Any:
        return _as(models.TextField, super().deconstruct())


class LabelList(models.JSONField):
    """Labels, each once."""

    def to_python(self, value: Any) -> Any:
        are_labels = isinstance(value, list) and all(isinstance(label, str) for label in value)
        return distinct_labels(value) if are_labels else value  # what is none is refused by its validator

    def deconstruct(self) -> Any:
        return _as(models.JSONField, super().deconstruct())


def _as(base: type[models.Field], parts: Any) -> Any:
    name, _, arguments, options = parts
    return name, f"django.db.models.{base.__name__}", arguments, options
