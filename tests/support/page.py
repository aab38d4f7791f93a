"""The board page's own modules, run by Node on what the real server gave.

tests/javascript/support/page.js says what can be asked.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.processes import ROOT

SCRIPT = ROOT / "tests/javascript/support/page.js"


class Page:
    """One Node process; it answers one question after the other."""

    def __init__(self, node: "subprocess.Popen[str]") -> None:
        self._node = node

    def ask(self, question: str, **given: Any) -> Any:
        assert self._node.stdin
        assert self._node.stdout
        print(json.dumps({"question": question, **given}), file=self._node.stdin, flush=True)
        answer = self._node.stdout.readline()
        assert answer, f"Node ended at {question}: its error is in the captured output"
        return json.loads(answer)


@contextmanager
def page_modules() -> Iterator[Page]:
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(["node", str(SCRIPT)], cwd=ROOT, text=True, **pipes) as node:
        yield Page(node)
        assert node.stdin
        node.stdin.close()
