"""What clients send who mean no good, or know no better: texts, numbers, dates, and JSON as text.

A word like `@public` stands for what a run alone knows, an id or a token: `Known.fill` puts it in.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

IDS = ("@public", "@private", "@task", "@gone")
TOKENS = ("@editor", "@owner", "@outsider", "@forged", "@expired", "@service")

ODD_TEXTS = (
    *("", " ", "\0", "a\0b", "\x1b[2J", "\u202e", "\u2028", "\ufeff", "٣", "@gone", "@public", "<b>"),
    *(
        "null",
        "None",
        "NaN",
        "true",
        "[]",
        "{}",
        "__class__",
        "%s",
        "%00",
        "'",
        '"',
        "\\",
        "../..",
        "//x.test",
    ),
)
ODD_NUMBERS = (
    *(
        "0",
        "-0",
        "-1",
        "1",
        "41",
        "41.0",
        "4.1e1",
        "0.1",
        "1e-400",
        "1e400",
        "-1e400",
        "1_0",
        "0x1",
        "1.2.-3",
    ),
    *("9007199254740993", "2147483648", "9223372036854775807", "9223372036854775808", "-9223372036854775809"),
)
ODD_DATES = (
    *("0000-00-00", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "-0001-01-01", "2026-02-30"),
    *(
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:60Z",
    ),
    *("2026-W53-7", "20260101", "2026-01-01 00:00", "2026-01-01T25:00:00+99:99", "1e9", "today"),
)


def _repeated(part: str, times: int) -> str:
    return part * times


def _nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def _wide(width: int) -> str:
    return f"[{','.join('1' * width)}]"


_times = st.sampled_from((25, 400, 1500, 5000))
_long_numbers = st.builds(_repeated, st.just("9"), _times)
_long_texts = st.builds(_repeated, st.sampled_from(("x", "w ", "-", "1,", "é", "😀", "/")), _times)
_texts = st.one_of(
    st.sampled_from((*ODD_TEXTS, *ODD_NUMBERS, *ODD_DATES)), _long_numbers, _long_texts, st.text(max_size=40)
)


@st.composite
def _any_text(draw: st.DrawFn) -> str:
    return draw(_texts)


# Composite: what hypothesis says of itself would else name all parts of all parts.
texts = _any_text()
_json_scalars = st.one_of(
    st.sampled_from(("null", "true", "false", "NaN", "-Infinity", *ODD_NUMBERS)),
    st.sampled_from((r'"\u0000"', r'"\ud800"', r'"\udc00\ud800"', r'"\u202e"', '"\u2028"', r'"\x"', '"')),
    st.sampled_from((*IDS, *TOKENS)).map(json.dumps),
    texts.map(json.dumps),
    st.integers().map(str),
    st.floats().map(json.dumps),
    _long_numbers,
    st.builds(_repeated, st.sampled_from(("[", '{"a":', "[]", '[1,"')), _times),
    st.builds(_nested, _times),
    st.builds(_wide, _times),
)


def json_objects(names: tuple[str, ...], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Objects with some of these names, some twice, and others beside them."""
    members = st.tuples(st.sampled_from(names).map(json.dumps) | texts.map(json.dumps), values)
    return st.lists(members, max_size=6).map(
        lambda found: "{" + ",".join(f"{name}:{value}" for name, value in found) + "}"
    )


_json_values = st.recursive(
    _json_scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | json_objects(("a", "b"), inner)
    ),
    max_leaves=6,
)


@st.composite
def _any_json(draw: st.DrawFn) -> str:
    return draw(_json_values)


json_values = _any_json()


def broken(whole: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Such a text with a part cut out, another put in, or written twice."""

    def spoil(text: str, start: int, length: int, instead: str) -> str:
        start %= len(text) + 1
        return text[:start] + instead + text[start + length :]

    return st.builds(spoil, whole, st.integers(0, 400), st.integers(0, 30), st.text(max_size=5)) | whole.map(
        lambda text: text * 2
    )


@dataclass(frozen=True, slots=True)
class Known:
    """What the words stand for in this run."""

    words: Mapping[str, str]

    def fill(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(word, value)
        return text
