"""Rules for single values, shared by the models, the API's serializers and the admin's forms."""

from __future__ import annotations

from django.core.exceptions import ValidationError

from projects import limits
from projects.spelling import distinct_labels
from realtime.characters import NotAllowed, check_line, check_text, has_visible


def validate_line(value: str) -> None:
    """Of names and titles: one line, of which no character acts on what is shown beside it."""
    try:
        check_line(value)
    except NotAllowed as wrong:
        raise ValidationError(str(wrong), "character") from None


def validate_text(value: str) -> None:
    """Of descriptions and comments: lines without control characters."""
    try:
        check_text(value)
    except NotAllowed as wrong:
        raise ValidationError(str(wrong), "character") from None


def validate_not_blank(value: str) -> None:
    """Of names, titles, labels and comments, which would look like none at all."""
    if not has_visible(value):
        raise ValidationError("Expected at least one character that can be seen.", "not-visible")


def validate_labels(value: object) -> None:
    """A list of at most 20 different strings of at most 40 characters, which one can see."""
    if not isinstance(value, list):
        raise ValidationError(f"Expected a list of strings, got {type(value).__name__}.", "wrong-type")
    if len(value) > limits.LABELS:
        raise ValidationError(f"At most {limits.LABELS} labels are allowed, got {len(value)}.", "too-many")
    for label in value:
        _validate_label(label)
    if len(distinct_labels(value)) != len(value):
        raise ValidationError("Each label may be given only once.", "not-distinct")


def _validate_label(label: object) -> None:
    if not isinstance(label, str):
        raise ValidationError(f"Expected a string as a label, got {type(label).__name__}.", "wrong-type")
    validate_line(label)
    validate_not_blank(label)
    if len(label) > limits.LABEL:
        raise ValidationError(f"A label may have at most {limits.LABEL} characters.", "too-long")
