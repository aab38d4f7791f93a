"""Ids as clients write them, and the one spelling in which they are kept, compared and told."""

import re
from uuid import UUID

PATTERN = "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
EXAMPLE = "123e4567-e89b-42d3-a456-426614174000"
EXPECTED = f"a UUID like {EXAMPLE}"

_ID = re.compile(PATTERN)


def read_id(text: str) -> str | None:
    """The id in small letters (RFC 9562, section 4); None for what is none, in braces or `urn:uuid:` too."""
    return text.lower() if _ID.fullmatch(text) else None


class IdConverter:
    """`<id:name>` in Django's addresses."""

    regex = PATTERN

    def to_python(self, text: str) -> UUID:
        return UUID(text)

    def to_url(self, value: UUID | str) -> str:
        return str(value)
