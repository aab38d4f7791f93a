"""What every test with a browser gets: pages that must not complain, and a network that can be cut."""

import re
from collections.abc import Iterator

import pytest

from tests.support.browser import Windows
from tests.support.network import Network


class Complaints:
    """Errors and warnings in the consoles of a test's windows: none is right, but for those announced."""

    def __init__(self) -> None:
        self._announced: list[str] = []

    def may_hold(self, *patterns: str) -> None:
        """The browser itself logs a request or a socket that failed; a test that makes them fail says so."""
        self._announced += patterns

    def among(self, windows: Windows) -> list[str]:
        lines = [line for visitor in windows.visitors for line in visitor.console]
        loud = [line for line in lines if line.startswith(("error:", "warning:"))]
        return [line for line in loud if not any(re.search(pattern, line) for pattern in self._announced)]


@pytest.fixture(autouse=True)
def complaints(windows: Windows) -> Iterator[Complaints]:
    """A console error in any window fails the test; an uncaught exception does too, see `windows`."""
    complaints = Complaints()
    yield complaints
    assert not (found := complaints.among(windows)), f"complaints in the console: {found}"


@pytest.fixture
def network(complaints: Complaints) -> Iterator[Network]:
    """Between a window opened with `proxy=network.for_context` and the gateways."""
    complaints.may_hold("net::ERR_", "WebSocket connection to")
    network = Network()
    yield network
    network.close()
