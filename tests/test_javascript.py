"""The browser modules' own tests, run by Node, so that one summary speaks for everything."""

import subprocess

from tests.support.processes import ROOT


def test_javascript_tests_pass() -> None:
    names = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests/javascript").rglob("*.test.js"))
    assert names, "no tests found in tests/javascript"
    ran = subprocess.run(
        ["node", "--test", "--test-reporter=spec", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
