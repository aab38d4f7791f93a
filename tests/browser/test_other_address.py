"""A page whose socket's address cannot be reached: it turns to its own, and only then polls."""

import pytest

from tests.browser.hands import expect_badge
from tests.support.boards import Board
from tests.support.browser import Windows
from tests.support.network import Network
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

NOWHERE = "ws://127.0.0.1:9/"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.settings(PUBLIC_WEBSOCKET_URL=NOWHERE),
    pytest.mark.parametrize("own_stack", ["embedded"], indirect=True),
]


def test_a_page_goes_live_at_its_own_address_and_operators_hear_where_it_cannot(
    own_stack: Stack, own_board: Board, windows: Windows, network: Network
) -> None:
    visitor = windows.open(own_stack, OWNER, proxy=network.for_context)
    visitor.open_board(own_board.id, badge="Live")
    log = own_stack.first.log
    assert "no socket opens" not in log.read_text()

    network.cut_sockets()
    expect_badge(visitor, "Polling")
    eventually(lambda: f"no socket opens at '{NOWHERE}'" in log.read_text(), 30, "the line for operators")
    network.mend()
    expect_badge(visitor, "Live", 30)
    assert log.read_text().count("no socket opens") == 1
