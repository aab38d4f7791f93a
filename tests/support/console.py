"""A shell in which management commands run one after the other, without a new process for each."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.processes import ROOT, note_output


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Console:
    """`python -m tests.support.console` beside the gateways, in the environment that is given."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.console"],
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Outcome:
        """`manage.py …` with these arguments."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(arguments), file=self._process.stdin, flush=True)
        outcome = Outcome(*json.loads(self._process.stdout.readline()))
        note_output(" ".join(arguments), outcome.err)
        return outcome

    def python(self, code: str) -> Outcome:
        """A few lines of Python, as in `manage.py shell`."""
        return self.run("-c", code)

    def stop(self) -> None:
        self._process.communicate("", timeout=10)


def main() -> None:
    import contextlib
    import io

    import django
    from django.core.management import execute_from_command_line
    from django.db import close_old_connections

    django.setup()
    for line in sys.stdin:
        out, err, status = io.StringIO(), io.StringIO(), 0
        close_old_connections()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                first, *rest = json.loads(line)
                if first == "-c":
                    exec(rest[0], {})
                else:
                    execute_from_command_line(["manage.py", first, *rest])
        except SystemExit as ended:
            status = int(ended.code or 0)
        sys.stdout.write(json.dumps([status, out.getvalue(), err.getvalue()]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
