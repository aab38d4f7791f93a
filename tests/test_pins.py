"""Our pins are past the known holes of what we depend on: the table is in docs/security.md."""

import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parent.parent
ROW = re.compile(
    r"^\| (?P<package>[a-z0-9-]+) \| (?P<mended>[0-9][^ ]*) \| \[(?P<hole>[A-Z]+-[^\]]+)\]", re.MULTILINE
)
PIN = re.compile(r"^(?P<package>[a-z0-9-]+)==(?P<version>[^ ;\\]+)", re.MULTILINE)


def pins() -> dict[str, list[Version]]:
    """A package may be pinned more than once, for different Pythons."""
    found: dict[str, list[Version]] = {}
    for pin in PIN.finditer((ROOT / "requirements.txt").read_text()):
        found.setdefault(pin["package"], []).append(Version(pin["version"]))
    return found


def holes() -> list[tuple[str, str, str]]:
    page = (ROOT / "docs/security.md").read_text()
    return [(row["package"], row["mended"], row["hole"]) for row in ROW.finditer(page)]


def test_the_table_is_read_whole() -> None:
    lines = (ROOT / "docs/security.md").read_text().splitlines()
    assert len(holes()) == sum("](https://" in line and line.startswith("| ") for line in lines) > 10


@pytest.mark.parametrize("package, mended, hole", holes())
def test_what_we_pin_is_past_the_hole(package: str, mended: str, hole: str) -> None:
    pinned = pins().get(package)
    assert pinned, f"{package} is no dependency any more: take {hole} out of the table"
    assert min(pinned) >= Version(mended), f"{package} {min(pinned)} has {hole}: run `make lock`"
