"""Characters that act where a text is shown: which they are, where they may stand, how they are printed.

A terminal obeys escape sequences. Marks of direction turn round what stands beside them: a name could so look
like another's, and a line of a log like one that was never written. What joins emoji and letters (U+200C,
U+200D, variation selectors) is no such character.
"""

import re
import unicodedata

_CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"  # C0, DEL and C1; half a character of UTF-16
# Marks, embeddings, overrides and isolates of direction, separators of lines and paragraphs, what Unicode
# deprecates, the byte order mark, annotations.
_FORMATS = "\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
_ACTS_IN_LINE = re.compile(f"[{_CONTROLS}{_FORMATS}]")
# In many lines the marks stay: Hebrew and Arabic prose needs them, and a block of its own ends what they do.
_ACTS_IN_TEXT = re.compile(r"(?![\t\n\r])" + f"[{_CONTROLS}]")
_ACTS_IN_LINES = re.compile(r"(?![\t\n])" + f"[{_CONTROLS}{_FORMATS}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


# Letters and symbols that are drawn as blanks, and what Unicode keeps free for characters that are not drawn.
_BLANK = re.compile("[\u115f\u1160\u3164\uffa0\u2065\u2800\U0001d159\ufff0-\ufff8\U000e0000-\U000e0fff]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Mc", "Me", "Mn", "Zl", "Zp", "Zs"})


class NotAllowed(ValueError):
    """A text with a character that may not stand there; the message names it."""


def check_line(text: str) -> None:
    """Of a name, a title or a reason. Raises NotAllowed."""
    _check(_ACTS_IN_LINE, text)


def check_text(text: str) -> None:
    """Of a description or a comment, which have tabs and line breaks, too. Raises NotAllowed."""
    _check(_ACTS_IN_TEXT, text)


def has_visible(text: str) -> bool:
    """Whether a reader sees anything of it: one character that is no blank, no mark on another, no format.

    What Unicode gives no meaning yet, and private characters, are drawn as something.
    """
    return any(unicodedata.category(each) not in _UNSEEN and not _BLANK.match(each) for each in text)


def _check(acts: re.Pattern[str], text: str) -> None:
    if found := acts.search(text):
        raise NotAllowed(f"{_named(found[0])}, character {found.start() + 1}, is not allowed here.")


def _named(character: str) -> str:
    """`U+202E (right-to-left override)`; what has no name is a control character or half of another one."""
    half = unicodedata.category(character) == "Cs"
    name = unicodedata.name(character, "half a character" if half else "a control character")
    return f"U+{ord(character):04X} ({name.lower()})"


def escaped(text: str, *, lines: bool = False) -> str:
    r"""The text as it may be printed: what acts is written as JSON does, like \u202e.

    lines: whether line breaks and tabs stay
    """
    return (_ACTS_IN_LINES if lines else _ACTS_IN_LINE).sub(_written, text)


def _written(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"
