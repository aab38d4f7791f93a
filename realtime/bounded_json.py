"""JSON from clients, within bounds: bodies, frames, packets and fields of forms are read by it. Pure."""

from json import JSONDecodeError, JSONDecoder
from typing import Any

import orjson

MAX_DEPTH = 100  # levels of arrays and objects: what is read is written again, and orjson writes 254
MAX_VALUES = 40_000  # more than the 64 KiB of a frame or of published data can hold


def loads(text: str | bytes) -> Any:
    """The value. Raises ValueError, and nothing else on any input; its message says what was expected.

    NaN, infinite numbers, lone surrogates and bytes that are no UTF-8 are no JSON (RFC 8259).
    """
    value = orjson.loads(text)
    check(value)
    return value


class Decoder(JSONDecoder):
    """The same for Django's fields of forms, which take this exception alone for a fault of the input."""

    def decode(self, text: str, *_: Any) -> Any:
        try:
            return loads(text)
        except JSONDecodeError:
            raise
        except ValueError as failure:
            raise JSONDecodeError(str(failure), text[:100], 0) from None


def check(value: Any) -> None:
    """Refuse a value that is nested too deeply, or holds too many others. Raises ValueError."""
    level, depth, values = [value], 0, 1
    while containers := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"expected at most {MAX_DEPTH} levels of arrays and objects")
        values += sum(map(len, containers))
        if values > MAX_VALUES:
            raise ValueError(f"expected at most {MAX_VALUES} values")
        level = [child for each in containers for child in (each.values() if type(each) is dict else each)]


def same_value(one: Any, other: Any) -> bool:
    """Whether two values that were read are the same in JSON, where `true` is not 1, as it is in Python."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_value, one, other))
    return bool(one == other)
