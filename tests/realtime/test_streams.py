"""Commands on standard streams that are closed, or that cannot encode what is said."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

from tests.support.environment import environment
from tests.support.processes import ROOT
from tests.support.stack import Templates

CLOSED = "import os, sys; os.closerange(0, 3); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
CASES = {
    ("strict", "on", "--reason", "Größe – 大"): 0,
    ("block", "192.0.2.0/24", "--reason", "böse ✓"): 0,
    ("block", "--list"): 0,
    ("disconnect", "--user", "Zoë"): 1,
}


@pytest.fixture(scope="module")
def settings(templates: Templates) -> Mapping[str, str]:
    return environment({"DATABASE_URL": templates.copy("embedded")})


def typed(command: tuple[str, ...], settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**settings, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        encoding="ascii",
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("command, status", CASES.items(), ids=[" ".join(case[:2]) for case in CASES])
def test_what_a_stream_cannot_encode_is_replaced(command, status, settings) -> None:
    ended = typed(command, settings)
    assert "Traceback" not in ended.stderr
    assert "codec" not in ended.stderr
    assert ended.returncode == status, ended.stderr


def test_a_command_whose_streams_are_closed_does_what_it_says(settings) -> None:
    command = [sys.executable, "-c", CLOSED, "manage.py", "strict", "off"]
    assert subprocess.run(command, cwd=ROOT, env=dict(settings), timeout=60, check=False).returncode == 0
    assert "off" in typed(("strict", "status"), settings).stdout
