"""A progress bar on standard error, which keeps quiet where that is no terminal."""

import sys
from types import TracebackType

from tqdm import tqdm


class Bar:
    def __init__(self, what: str, total: float, unit: str) -> None:
        shape = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f}{unit}{postfix}"
        self._bar = tqdm(
            desc=what, total=total, unit=unit, bar_format=shape, file=sys.stderr, disable=None, leave=False
        )

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def step(self) -> None:
        self._bar.update()

    def reach(self, done: float, more: str = "") -> None:
        """So much is done; `more` stands behind it."""
        self._bar.set_postfix_str(more, refresh=False)
        self._bar.update(min(done, self._bar.total) - self._bar.n)
