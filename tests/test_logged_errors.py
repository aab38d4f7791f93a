"""The rule that a log line at ERROR fails the test that caused it, as a run of its own shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.logged_errors import errors_in, split_expected
from tests.support.processes import ROOT

SUITE = '''
import asyncio, logging, sys
import pytest
from tests.support.processes import Server

def serve(tmp_path, line):
    """A server that writes one line, in the format of our logs, and ends."""
    with Server([sys.executable, "-c", f"print({line!r})"], tmp_path / "served.log") as server:
        server.process.wait()

@pytest.fixture
def broken_at_its_end():
    yield
    logging.error("by a fixture")

def test_quiet():
    logging.warning("only a warning")

def test_in_this_process():
    logging.getLogger("devmentor.some").error("in here")

def test_by_a_fixture(broken_at_its_end):
    pass

def test_a_task_that_nobody_waits_for():
    async def fail():
        raise RuntimeError("alone")
    async def story():
        asyncio.ensure_future(fail())
        await asyncio.sleep(0)
    asyncio.run(story())

def test_readable(tmp_path):
    serve(tmp_path, "2026-01-01T00:00:00.000000Z [error    ] from a server  [x]")

def test_json(tmp_path):
    serve(tmp_path, '{"event": "from another", "level": "critical", "logger": "x"}')

@pytest.mark.logs_errors("in here", "from a server")
def test_expected(tmp_path):
    logging.error("in here, on purpose")
    serve(tmp_path, "2026-01-01T00:00:00.000000Z [error    ] from a server  [x]")

@pytest.mark.logs_errors("in here")
def test_another_than_expected():
    logging.error("in here, on purpose")
    logging.error("unexpected")

@pytest.mark.logs_errors("in here")
def test_nothing_of_what_is_expected():
    pass
'''


def test_a_line_at_error_fails_its_test_wherever_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").touch()
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.logged_errors", "-rE", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert set(re.findall(r"^ERROR \S+::test_(\w+)", ran.stdout, re.MULTILINE)) == {
        *("in_this_process", "by_a_fixture", "a_task_that_nobody_waits_for", "readable", "json"),
        *("another_than_expected", "nothing_of_what_is_expected"),
    }, ran.stdout
    assert "9 passed, 7 errors" in ran.stdout
    assert "ERROR root: unexpected" in ran.stdout
    assert "served: 2026-01-01T00:00:00.000000Z [error    ] from a server  [x]" in ran.stdout


TRACE = 'Traceback (most recent call last):\n  File "x.py", line 1, in x\nRuntimeError: broken'


def test_an_error_is_told_with_its_traceback_and_no_more() -> None:
    error = f"2026-01-01T00:00:00.5Z [error    ] it failed  [x]\n{TRACE}"
    warning = f"2026-01-01T00:00:00.6Z [warning  ] it is slow  [x]\n{TRACE}"
    assert errors_in(f"{warning}\n{error}\n{warning}\n{error}") == [error, error]


@pytest.mark.parametrize(
    "line",
    [
        "2026-01-01T00:00:00.5Z [warning  ] an error of theirs [error    ]  [x]",
        '{"event": "\\"level\\": \\"error\\"", "level": "warning"}',
        "2026/01/01 00:00:00 [error] 7#7: nginx, of what it stands before",
        "2026-01-01 00:00:00.000 UTC [77] ERROR:  duplicate key value violates unique constraint",
    ],
)
def test_what_others_call_an_error_is_none_of_ours(line: str) -> None:
    assert errors_in(line) == []


def test_expected_texts_are_told_apart_from_the_rest() -> None:
    assert split_expected(["a b", "c"], ["b", "d"]) == (["c"], ["d"])
