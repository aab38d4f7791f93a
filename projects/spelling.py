"""One form for what people write: line ends, and labels that differ in case or Unicode form alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_LINE_END = re.compile("\r\n?")


def with_line_feeds(text: str) -> str:
    r"""CRLF and CR, which a browser's box shows and sends back as LF, become LF."""
    return _LINE_END.sub("\n", text)


def label_key(label: str) -> str:
    """Equal for labels that are the same one: without case, in NFC (Unicode's canonical caseless match)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", label).casefold())


def distinct_labels(labels: Iterable[str]) -> list[str]:
    """Each once, in the first of its spellings."""
    found: dict[str, str] = {}
    for label in labels:
        found.setdefault(label_key(label), label)
    return list(found.values())
