"""What was asked of the service and what it said, line by line, in the manner of Jepsen.

An operation is invoked, and then answered (it was done), refused (it was not), or unknown: no answer came, or
one that promises nothing, and it may or may not have been done.
"""

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

Outcome = Literal["invoked", "answered", "refused", "unknown"]


@dataclass(slots=True)
class Operation:
    """One write. `key` is its Idempotency-Key, under which the log knows it; times are epoch seconds."""

    writer: str
    kind: str
    project: str
    key: str
    invoked_at: float = field(default_factory=time.time)
    ended_at: float | None = None
    ended: float | None = None  # when it was answered, by the monotonic clock
    outcome: Outcome = "invoked"
    attempts: int = 0
    status: int | None = None
    body: Any = None


class History:
    """The operations, in memory for the checker and in a file for whoever looks at a failed run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.operations: list[Operation] = []
        self._file = path.open("a", encoding="utf-8")

    def invoke(self, writer: str, kind: str, project: str, key: str) -> Operation:
        operation = Operation(writer, kind, project, key)
        self.operations.append(operation)
        self._write(operation)
        return operation

    def end(self, operation: Operation, response: httpx.Response | None) -> None:
        """`response` is None where none came."""
        operation.ended_at = time.time()
        operation.status = response.status_code if response is not None else None
        operation.outcome = outcome(operation.status)
        if response is not None and operation.outcome == "answered" and response.content:
            operation.body = response.json()
        if operation.outcome == "answered":
            operation.ended = time.monotonic()
        self._write(operation)

    def count(self, outcome: Outcome) -> int:
        return sum(operation.outcome == outcome for operation in self.operations)

    def slowest(self) -> float:
        """Seconds that the slowest answer took, over all its attempts."""
        ended = [o for o in self.operations if o.outcome == "answered" and o.ended_at]
        return max((o.ended_at - o.invoked_at for o in ended if o.ended_at), default=0.0)

    def close(self) -> None:
        self._file.close()

    def _write(self, operation: Operation) -> None:
        self._file.write(json.dumps(asdict(operation)) + "\n")
        self._file.flush()


def outcome(status: int | None) -> Outcome:
    """A 5xx promises nothing: the server may have failed after the commit."""
    if status is None or status >= 500:
        return "unknown"
    return "answered" if status < 400 else "refused"
