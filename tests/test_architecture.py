"""What the tree promises a newcomer: the direction of imports, and files one can read in one sitting."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import NAMES
from tests.support.processes import ROOT

LONGEST_FILE = 400
LONGEST_FUNCTION = 60
PACKAGES = ("devmentor", "projects", "realtime")
# The channel layer has one door: whoever else sends through it escapes the envelope and the counters.
CHANNEL_LAYER = ("channels.layers", "channels_redis")
MADE = {".git", ".venv", ".hypothesis", "node_modules", "staticfiles", "test-results", "migrations"}
TEXT = {
    ".py",
    ".js",
    ".ts",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".sh",
    ".json",
    ".txt",
    ".in",
    "",
}
MACHINE_PATH = re.compile(r"""(?:^|[\s"'=(:`])(?:/home/\w+|/Users/\w+|/root|/work(?:space)?|/farm)/""")
REGISTRY = re.compile(r"https?://[^\s\"']*(?:registry\.|/simple\b|files\.python)")


def files(*suffixes: str, below: tuple[str, ...] = ("",)) -> Iterator[Path]:
    """The repository's own files, without what is made or installed."""
    for folder in below:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(part in MADE or part.endswith("_cache") or part == "__pycache__" for part in parts)
            if path.is_file() and path.suffix in suffixes and not hidden:
                yield path


def shown(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """The dotted names that a module imports, `from a import b` as `a.b`."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def test_imports_keep_to_the_contracts_in_pyproject() -> None:
    """Else the gateway learns about projects, or the domain about sockets, one harmless line at a time."""
    checked = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_only_broadcast_touches_the_channel_layer() -> None:
    found = [
        shown(path, line)
        for path in files(".py", below=PACKAGES)
        for name, line in imported(path)
        if name.startswith(CHANNEL_LAYER) and path.name not in ("broadcast.py", "signed_layer.py")
    ]
    assert found == []


def test_the_domain_has_no_coroutines() -> None:
    """An ORM call awaited in the domain would take a thread of the gateway's fan-out."""
    found = [
        shown(path, function.lineno)
        for path in files(".py", below=("projects",))
        for function in functions(path)
        if isinstance(function, ast.AsyncFunctionDef)
    ]
    assert found == []


def test_files_stay_short() -> None:
    code = files(".py", ".js", ".css", ".html", ".sh", below=(*PACKAGES, "tests", "scripts"))
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in code}
    assert {shown(path, length) for path, length in lengths.items() if length > LONGEST_FILE} == set()


def test_functions_stay_short() -> None:
    found = [
        f"{shown(path, function.lineno)} {function.name}"
        for path in files(".py", below=(*PACKAGES, "tests", "scripts"))
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert found == []


def test_each_setting_is_explained_in_the_example() -> None:
    """An operator finds a variable in `.env.example` or not at all."""
    read = re.findall(r'\benv\.\w+\(\s*"([A-Z_]+)"', (ROOT / "devmentor" / "settings.py").read_text("utf-8"))
    explained = re.findall(r"^#?\s?([A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    assert {*NAMES, *read} - set(explained) == set()


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY], ids=["paths of one machine", "registries"])
def test_no_file_names_where_it_was_made(pattern: re.Pattern[str]) -> None:
    found = [
        shown(path, number)
        for path in files(*TEXT)
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_lock_files_pin_by_hash() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text("utf-8")
        packages = re.findall(r"^\w.*", text, re.MULTILINE)
        assert packages, name
        assert all(re.match(r"[\w.-]+==\S+ (; .* )?\\$", package) for package in packages), name
        assert len(re.findall(r"\\\n    --hash=sha256:", text)) >= len(packages), name


def test_versions_agree() -> None:
    """`gateway_info{version}`, the packages' metadata and the changelog speak of the same release."""
    from devmentor import __version__

    heading = re.search(r"^## \[?([\d.]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert heading
    assert heading[1] == __version__
    for name in ("pyproject.toml", "package.json"):
        assert re.search(
            rf'"?version"?\s?[=:] "{re.escape(__version__)}"', (ROOT / name).read_text("utf-8")
        ), name
