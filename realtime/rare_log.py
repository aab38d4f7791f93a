"""Log lines about what clients send: anybody may send it at any rate, and the log must stay readable."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SECONDS = 10.0


@dataclass(slots=True)
class RareLog:
    """Logs one line for each kind every `seconds`; the next of a kind says how many were left out."""

    logger: logging.Logger
    seconds: float = SECONDS
    clock: Callable[[], float] = time.monotonic
    _logged: dict[str, tuple[float, int]] = field(default_factory=dict)

    def warning(self, kind: str, message: str, *arguments: object) -> None:
        """`kind` is one of a few fixed names, never what a client has sent."""
        now = self.clock()
        last, omitted = self._logged.get(kind, (float("-inf"), 0))
        if now - last < self.seconds:
            self._logged[kind] = (last, omitted + 1)
            return
        self._logged[kind] = (now, 0)
        if omitted:
            message += f" ({omitted} more of this kind since the last such line)"
        self.logger.warning(message, *arguments)
