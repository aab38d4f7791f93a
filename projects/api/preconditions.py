"""ETags and the headers that compare them (RFC 9110, section 13.1)."""

from __future__ import annotations

import re
from collections.abc import Container

from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from projects.models import Task

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
# No blank can be matched in two ways, so that a refusal costs no more than the header is long.
_TAGS = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
# Apache's mod_deflate and mod_brotli add it to the tags of what they compress.
_COMPRESSED = re.compile(r"-(?:gzip|br)\Z")
_LONGEST = 1024  # characters of a header of tags
_VERSION = re.compile(r"[1-9][0-9]{0,9}")


def entity_tags(value: str) -> set[str] | None:
    """What stands between the quotes of each tag; None for `*`. Raises ValueError.

    W/ is let pass: a proxy that compresses weakens the tags it hands on.
    """
    if value.strip(" \t") == "*":
        return None
    if len(value) > _LONGEST or not _TAGS.fullmatch(value):
        raise ValueError(value)
    return {_COMPRESSED.sub("", tag) for tag in _TAG.findall(value)}


def versions_in(request: Request) -> Container[int] | None:
    """The task versions that If-Match allows; None: any."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    try:
        tags = entity_tags(header)
    except ValueError:
        raise ParseError(
            'If-Match is malformed: expected a version in double quotes like "3", a list of such, or *, '
            f"in {_LONGEST} characters at the most."
        ) from None
    return None if tags is None else {int(tag) for tag in tags if _VERSION.fullmatch(tag)}


def is_known(request: Request, tag: str) -> bool:
    """Whether If-None-Match names the tag, so that 304 says it all. A malformed one names none."""
    try:
        tags = entity_tags(request.headers.get("If-None-Match", '""'))
    except ValueError:
        return False
    return tags is None or tag in tags


def task_headers(task: Task) -> dict[str, str]:
    return {"ETag": f'"{task.version}"'}
