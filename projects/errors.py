"""What the domain refuses, and why. Knows no HTTP: `projects.api.views` gives each its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projects.models import Task


class DomainError(Exception):
    """A refusal with a stable `code` for programs, a sentence for people, and `facts` for both."""

    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts
        if code is not None:
            self.code = code


class NotFound(DomainError):
    """It is not there, or the actor may not know that it is."""

    code = "not-found"


class Forbidden(DomainError):
    """The actor may see it, but not do this to it."""

    code = "forbidden"


class Conflict(DomainError):
    """The request makes sense, but not in the present state; `code` names the rule."""

    code = "conflict"


class IdTaken(Conflict):
    """The id that a client chose stands for something else, or did. Says nothing of what that is."""

    code = "id-taken"

    def __init__(self) -> None:
        super().__init__("This id stands for something else already: take a new one.")


class LimitReached(Conflict):
    """There would be more of something than is allowed.

    limit: what is counted, "tasks" for example; present: how much of it there is; allowed: how much may be
    """

    code = "limit-reached"

    def __init__(self, message: str, *, limit: str, present: int, allowed: int) -> None:
        super().__init__(message, limit=limit, present=present, allowed=allowed)


class RateLimited(DomainError):
    """The actor has done as much as one may in a time; in `retry_after` seconds they may go on.

    limit: what is counted: "changes", "bytes", "names" or "at-once"
    """

    code = "rate-limited"

    def __init__(self, message: str, *, limit: str, retry_after: int) -> None:
        super().__init__(message, limit=limit)
        self.retry_after = retry_after


class Fault(str):
    """What is wrong with one value: a sentence for people, with a `code` for programs."""

    code: str

    def __new__(cls, sentence: str, code: str) -> Fault:
        fault = super().__new__(cls, sentence)
        fault.code = code
        return fault


class Invalid(DomainError):
    """Values that no state would accept; `fields` maps the domain's field names to their faults."""

    code = "invalid"

    def __init__(self, fields: Mapping[str, Sequence[Fault]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(said)}" for name, said in fields.items()))
        self.fields = fields


class VersionConflict(DomainError):
    """The task moved on since the version that the actor knows; `task` is the present one."""

    code = "version-conflict"

    def __init__(self, task: Task) -> None:
        super().__init__(f"The task has moved on; it is at version {task.version} by now.")
        self.task = task


class KeyReused(DomainError):
    """An idempotency key came back with another request than its first."""

    code = "idempotency-key-reused"
