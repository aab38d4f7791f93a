"""The two ways to run the service, as fixtures: stacks that tests share, and one of a test's own."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.boards import Board
from tests.support.people import OWNER
from tests.support.stack import KINDS, SharedStacks, Stack, Templates


@pytest.fixture(scope="session")
def templates() -> Iterator[Templates]:
    with ExitStack() as resources:
        folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="devmentor-"))
        yield Templates(Path(folder), resources)


@pytest.fixture(scope="session")
def _shared_stacks(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStacks]:
    with SharedStacks(templates, tmp_path_factory) as stacks:
        yield stacks


@pytest.fixture(params=KINDS)
def stack(request: pytest.FixtureRequest, _shared_stacks: SharedStacks) -> Iterator[Stack]:
    """A stack that all tests share: make a board of your own on it, leave its gateways and switches alone.

    What a test opens on it, it closes.
    """
    with _shared_stacks.lend(request.param, request.node.nodeid) as stack:
        yield stack


@pytest.fixture(params=KINDS)
def own_stack(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Iterator[Stack]:
    """A stack for this test alone, to throw switches and end processes on.

    `@pytest.mark.settings(RATE_LIMIT_ENABLED="true")` sets its gateways' environment.
    """
    kind: str = request.param
    marker = request.node.get_closest_marker("settings")
    started = Stack(kind, templates.copy(kind), tmp_path, dict(marker.kwargs) if marker else {})
    yield started
    started.stop()


@pytest.fixture
def board(stack: Stack) -> Board:
    """A new board on the shared stack."""
    return Board(stack.api(OWNER))


@pytest.fixture
def own_board(own_stack: Stack) -> Board:
    """A new board on the test's own stack."""
    return Board(own_stack.api(OWNER))
