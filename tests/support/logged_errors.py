"""An error in a log fails the test that caused it, whether this process wrote it or one that a test started.

`@pytest.mark.logs_errors("words", …)` is for tests that provoke errors: each text must stand in one, and
whatever error holds none of them fails the test as ever. What a shared server writes between two tests counts
in the second.
"""

import gc
import logging
import re
from collections.abc import Generator, Iterable

import pytest

from tests.support.processes import read_new_output

LEVELS = {"error", "critical"}
MOST_SHOWN = 5
SHOWN = 1500  # characters of an error's beginning and of its end, where the exception stands
# How an entry begins in devmentor/logs.py's two formats; the lines of a traceback begin otherwise.
ENTRY = re.compile(r"""\d{4}-\d\d-\d\dT\S+Z \[(\w+) *\]|\{.*"level": "(\w+)".*\}$""")
passed_key = pytest.StashKey[bool]()


class _Handler(logging.Handler):
    """Collects what this process logs at ERROR and above, as text."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


_in_process = _Handler()


def errors_in(output: str) -> list[str]:
    """The entries at ERROR and above of what a server of ours has written, with their tracebacks."""
    if not any(level in output for level in LEVELS):
        return []
    found: list[str] = []
    is_error = False
    for line in output.split("\n"):
        if begun := ENTRY.match(line):
            is_error = (begun[1] or begun[2]) in LEVELS
            if is_error:
                found.append(line)
        elif is_error:
            found[-1] += f"\n{line}"
    return found


def split_expected(errors: Iterable[str], expected: Iterable[str]) -> tuple[list[str], list[str]]:
    """The errors that hold none of the expected texts, and the texts that stand in no error."""
    errors, expected = list(errors), list(expected)
    unexpected = [error for error in errors if not any(words in error for words in expected)]
    return unexpected, [words for words in expected if not any(words in error for error in errors)]


def _clipped(error: str) -> str:
    return error if len(error) <= 2 * SHOWN else f"{error[:SHOWN]}\n[…]\n{error[-SHOWN:]}"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "logs_errors(*texts): provokes errors in a log that hold these texts")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # A log configuration that a test has loaded takes the root logger's handlers away.
    logging.getLogger().addHandler(_in_process)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[passed_key] = report.passed
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Judge once the fixtures are torn down, too: of those that tests share, after the last one's."""
    try:
        yield
    finally:
        gc.collect(0)  # asyncio logs the failure of a task that nobody waits for when the task goes
        _judge(item)


def _judge(item: pytest.Item) -> None:
    errors = [*_in_process.found]
    _in_process.found.clear()
    for name, output in read_new_output():
        errors += [f"{name}: {error}" for error in errors_in(output)]
    expected = [words for marker in item.iter_markers("logs_errors") for words in marker.args]
    unexpected, missing = split_expected(errors, expected)
    if unexpected:
        shown = "\n".join(map(_clipped, unexpected[:MOST_SHOWN]))
        counted = f"{len(unexpected)} lines at ERROR, where logs_errors expects {expected}; the first:"
        pytest.fail(f"{counted}\n{shown}", pytrace=False)
    passed = item.stash.get(passed_key, False)
    if missing and passed:
        pytest.fail(f"logs_errors expects what was not logged: {missing}", pytrace=False)
