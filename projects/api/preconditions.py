"""ETags and the headers that compare them (RFC 9110, section 13.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rest_framework import exceptions
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from projects.models import Task

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
# No blank can be matched in two ways, so that a refusal costs no more than the header is long.
_TAGS = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
# Apache's mod_deflate and mod_brotli add it to the tags of what they compress.
_COMPRESSED = re.compile(r"-(?:gzip|br)\Z")
_LONGEST = 1024  # characters of a header of tags


def entity_tags(value: str) -> set[str] | None:
    """What stands between the quotes of each tag; None for `*`. Raises ValueError.

    W/ is let pass: a proxy that compresses weakens the tags it hands on.
    """
    if value.strip(" \t") == "*":
        return None
    if len(value) > _LONGEST or not _TAGS.fullmatch(value):
        raise ValueError(value)
    return {_COMPRESSED.sub("", tag) for tag in _TAG.findall(value)}


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a write asks of the version that is there: a container of the versions that it allows.

    wanted: the tags of If-Match; None: any
    unwanted: those of If-None-Match; None: any
    """

    wanted: set[str] | None
    unwanted: set[str] | None

    def __contains__(self, version: object) -> bool:
        tag = str(version)
        return (self.wanted is None or tag in self.wanted) and not self._is_unwanted(tag)

    def _is_unwanted(self, tag: str) -> bool:
        return self.unwanted is None or tag in self.unwanted

    @property
    def hold_without_version(self) -> bool:
        """Whether they hold of what is there and has no tag."""
        return self.wanted is None and self.unwanted is not None


def conditions_of(request: Request) -> Conditions:
    """The conditions of a write. Raises ParseError.

    If-Unmodified-Since is ignored, as it must be: nothing here tells when it was modified.
    """
    return Conditions(_tags_in(request, "If-Match", None), _tags_in(request, "If-None-Match", set()))


def _tags_in(request: Request, name: str, absent: set[str] | None) -> set[str] | None:
    header = request.headers.get(name)
    if header is None:
        return absent
    try:
        return entity_tags(header)
    except ValueError:
        raise exceptions.ParseError(
            f'{name} is malformed: expected a version in double quotes like "3", a list of such, or *, '
            f"in {_LONGEST} characters at the most."
        ) from None


class NoVersion(exceptions.APIException):
    """412: the condition is one of versions, and what would be written has none."""

    status_code = 412
    default_code = "precondition-failed"
    default_detail = (
        "What you write to has no version that If-Match or If-None-Match could name: send it without them. "
        "Nothing was done."
    )


class ConditionsHeeded(BasePermission):
    """Refuses a write on conditions that its view does not heed by itself (`heeds_versions`).

    A permission, so that it holds for each view and comes before the view reads anything: who asks for such a
    condition would else believe that nobody's change is written over. A guest passes: the view says that they
    have to log in.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in SAFE_METHODS or not request.user.is_authenticated:
            return True
        if getattr(view, "heeds_versions", False) or conditions_of(request).hold_without_version:
            return True
        raise NoVersion


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names the tag, so that 304 says it all. A malformed one names none."""
    try:
        tags = entity_tags(request.headers.get("If-None-Match", '""'))
    except ValueError:
        return False
    return tags is None or tag in tags


def task_headers(task: Task) -> dict[str, str]:
    return {"ETag": f'"{task.version}"'}
