"""How much is tried: a little in every run of the suite, and much with `--fuzz`, as `make fuzz` does."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.fuzz.world import World
from tests.support.stack import KINDS, Stack

LONGEST_SECONDS = 3600  # of one test with --fuzz
MEGABYTE = 1024 * 1024
MOST_GROWTH = (
    64 * MEGABYTE
)  # of a gateway in one test: what is imported and kept for speed is there after a few


@dataclass(frozen=True, slots=True)
class Tried:
    """What a test has sent, and by how many bytes the gateways have grown meanwhile."""

    cases: int
    grown: int


@dataclass
class Effort:
    """How much is tried, and how much has been."""

    long: bool
    tried: dict[str, Tried] = field(default_factory=dict)

    def settings(self, short: int, long: int, **more: Any) -> settings:
        """So many examples; the same ones in each run of the suite, others with `--fuzz`."""
        return settings(
            max_examples=long if self.long else short,
            derandomize=not self.long,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink] if self.long else [Phase.generate],
            suppress_health_check=list(HealthCheck),
            **more,
        )


effort_key = pytest.StashKey[Effort]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[effort_key] = Effort(config.getoption("--fuzz"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Both stacks and any time with `--fuzz`; one of them else."""
    if config.getoption("--fuzz"):
        for item in items:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))
        return
    left_out = [item for item in items if _stack_of(item) in KINDS[1:]]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _stack_of(item: pytest.Item) -> str | None:
    """The stack of a test of this folder: the hook is given all tests."""
    ours = item.path.parent == Path(__file__).parent and isinstance(item, pytest.Function)
    return item.callspec.params.get("stack") if ours and hasattr(item, "callspec") else None


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    tried = config.stash[effort_key].tried
    if tried:
        terminalreporter.section(f"{sum(found.cases for found in tried.values()):,} cases were tried")
        for name, found in tried.items():
            terminalreporter.line(f"{found.cases:>8,}  {found.grown / MEGABYTE:>+6.1f} MB  {name}")


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Effort:
    return request.config.stash[effort_key]


@pytest.fixture
def world(stack: Stack, effort: Effort, request: pytest.FixtureRequest) -> Iterator[World]:
    """Memory that grew with each case would be far beyond the bound in a long run."""
    found = World(stack)
    before = found.memory()
    yield found
    tried = Tried(found.cases, found.memory() - before)
    effort.tried[request.node.name] = tried
    assert tried.grown < MOST_GROWTH * len(stack.gateways), tried
