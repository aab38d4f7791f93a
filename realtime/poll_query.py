"""What a poll asks for: the parameters of its address, checked. And the answer that is a problem."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from realtime.asgi import Headers
from realtime.problems import faults, problem
from realtime.protocol import MAX_SEQ

LIMIT = 500
MAX_LIMIT = 1000
MAX_WAIT_MS = 30_000
MAX_PARAMETERS = 100  # they are counted before they are parsed, which takes the event loop
TOO_MANY = f"expected at most {MAX_PARAMETERS} parameters"


class Problem(Exception):
    """An answer that is a problem."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Headers | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body = orjson.dumps(problem(status, code, detail, **extra))
        self.headers = headers or []


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters, checked; `wait` in seconds."""

    since: int
    limit: int
    wait: float


def read_query(query_string: bytes) -> Query:
    """The parameters of a poll. Raises Problem, all errors at once."""
    try:
        found = dict(
            parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
        )
    except ValueError:
        raise Problem(400, "bad-request", TOO_MANY) from None
    errors: dict[str, list[str]] = {}
    values = {
        "since": _number(found, "since", 0, 0, MAX_SEQ, errors),
        "limit": _number(found, "limit", LIMIT, 1, MAX_LIMIT, errors),
        "wait": _number(found, "wait", 0, 0, MAX_WAIT_MS, errors),
    }
    for name in found.keys() - values.keys():
        errors[name] = ["Unknown parameter: expected since, limit or wait."]
    if errors:
        raise Problem(400, "bad-request", "Some parameters do not hold: see errors.", **faults(errors))
    return Query(values["since"], values["limit"], values["wait"] / 1000)


def _number(
    found: dict[str, str], name: str, default: int, least: int, most: int, errors: dict[str, list[str]]
) -> int:
    value = found.get(name, str(default))
    if value.isascii() and value.isdigit() and len(value) <= 19 and least <= int(value) <= most:
        return int(value)
    errors[name] = [f"Expected a whole number from {least} to {most}."]
    return default
