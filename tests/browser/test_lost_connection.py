"""What a person sees when the connection goes: the badge says so, nothing is lost and nothing comes twice."""

import copy

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints
from tests.browser.hands import (
    ON_ONE_GATEWAY,
    Mouse,
    column,
    expect_badge,
    expect_cards,
    lower_part,
    record_events,
    status,
)
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.network import Network
from tests.support.people import EDITOR, OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

pytestmark = pytest.mark.browser


@ON_ONE_GATEWAY
def test_polling_bridges_a_dead_socket(
    stack: Stack, board: Board, windows: Windows, network: Network
) -> None:
    visitor = windows.open(stack, OWNER, proxy=network.for_context)
    visitor.open_board(board.id, "Live")
    heard, start = record_events(visitor), board.seq
    network.cut_sockets()
    expect_badge(visitor, "Polling")
    assert status(visitor)["transport"] == "polling"
    board.add_task("While polling")
    expect_cards(visitor, board.columns["To do"], "While polling")
    network.mend()
    expect_badge(visitor, "Live")
    board.add_task("Live again")
    expect_cards(visitor, board.columns["To do"], "While polling", "Live again")
    assert heard() == list(range(start + 1, board.seq + 1))
    assert status(visitor)["lastSeq"] == board.seq


@ON_ONE_GATEWAY
def test_a_short_drop_does_not_change_the_word(
    stack: Stack, board: Board, windows: Windows, network: Network
) -> None:
    """A socket that is back within a second is nobody's business: no flicker.

    The second is the page's own: its clock stands still while the network and the gateway do their part.
    """
    visitor = windows.open(stack, OWNER, proxy=network.for_context)
    visitor.page.clock.install()
    visitor.page.add_init_script("Math.random = () => 0.8")  # of a second: then the socket is tried again
    visitor.open_board(board.id, "Live")
    visitor.page.evaluate(
        """() => {
          window.words = [];
          const badge = document.querySelector("[data-testid=connection-badge]");
          window.joinedAgain = false;
          const note = () => window.words.push(badge.dataset.mode);
          new MutationObserver(note).observe(badge, { attributes: true });
          websocketService.on("joined", () => (window.joinedAgain = true));
        }"""
    )
    visitor.page.clock.pause_at(visitor.page.evaluate("Date.now() + 1000"))
    network.cut_sockets()
    eventually(lambda: not status(visitor)["connected"], what="the page's socket to end")
    network.mend()
    board.add_task("Meanwhile")
    visitor.page.clock.run_for(900)
    eventually(lambda: visitor.page.evaluate("window.joinedAgain"), what="the room on a new socket")
    visitor.page.clock.resume()
    expect_cards(visitor, board.columns["To do"], "Meanwhile")
    words = visitor.page.evaluate("window.words")
    assert set(words) == {"live"}, f"the badge flickered: {words}"


@ON_ONE_GATEWAY
def test_a_browser_without_sockets_polls(
    stack: Stack, board: Board, windows: Windows, network: Network
) -> None:
    network.sockets = False
    task = board.add_task("Through a proxy")
    inside = windows.open(stack, OWNER, proxy=network.for_context)
    outside = windows.open(stack, EDITOR)
    inside.open_board(board.id, "Polling")
    outside.open_board(board.id, "Live")
    Mouse(outside.page).drag(outside.task(task["id"]), lower_part(column(outside, board.columns["Done"])))
    expect_cards(inside, board.columns["Done"], "Through a proxy")
    Mouse(inside.page).drag(inside.task(task["id"]), lower_part(column(inside, board.columns["To do"])))
    expect_cards(outside, board.columns["To do"], "Through a proxy")
    inside.page.get_by_test_id("connection-badge").click()
    details = inside.page.get_by_role("region", name="Connection")
    expect(details).to_contain_text("Long polling over HTTP")
    network.mend()
    details.get_by_role("button", name="Try now").click()
    expect_badge(inside, "Live")
    expect(details).to_contain_text("WebSocket")


@ON_ONE_GATEWAY
def test_changes_made_offline_are_kept_and_sent_once(
    stack: Stack, board: Board, windows: Windows, network: Network
) -> None:
    task = board.add_task("Carried over")
    here = windows.open(stack, OWNER, proxy=network.for_context)
    there = windows.open(stack, EDITOR)
    for visitor in (here, there):
        visitor.open_board(board.id)
    heard, start = record_events(there), board.seq
    network.cut()
    expect_badge(here, "Offline")
    Mouse(here.page).drag(here.task(task["id"]), lower_part(column(here, board.columns["Done"])))
    _add_card(here, board.columns["To do"], "Written offline")
    expect_badge(here, "Offline (2 waiting)")
    expect_cards(here, board.columns["Done"], "Carried over")
    network.mend()
    expect_badge(here, "Live", 30)
    for visitor in (here, there):
        expect_cards(visitor, board.columns["Done"], "Carried over")
        expect_cards(visitor, board.columns["To do"], "Written offline")
    expect(here.page.locator(".is-pending")).to_have_count(0)
    assert heard() == [start + 1, start + 2]


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_both_windows_survive_a_killed_gateway(
    own_stack: Stack, own_board: Board, windows: Windows, away: None
) -> None:
    task = own_board.add_task("Before the crash")
    one, other = windows.open(own_stack, OWNER), windows.open(own_stack, EDITOR)
    for visitor in (one, other):
        visitor.open_board(own_board.id)
    heard, start = record_events(other), own_board.seq
    own_stack.first.kill()
    for visitor in (one, other):
        expect_badge(visitor, "Offline")
    Mouse(one.page).drag(one.task(task["id"]), lower_part(column(one, own_board.columns["Done"])))
    expect_badge(one, "Offline (1 waiting)")
    own_stack.first.restart()
    for visitor in (one, other):
        expect_badge(visitor, "Live", 40)
        expect_cards(visitor, own_board.columns["Done"], "Before the crash")
    assert heard() == [start + 1]


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_a_window_catches_up_when_its_gateway_is_back(
    own_stack: Stack, own_board: Board, windows: Windows, away: None
) -> None:
    """One of two gateways dies: the others go on, and who was on it misses nothing."""
    on_first, on_second = windows.open(own_stack, OWNER), windows.open(own_stack, EDITOR)
    for visitor in (on_first, on_second):
        visitor.open_board(own_board.id)
    heard, start = record_events(on_first), own_board.seq
    own_stack.first.kill()
    meanwhile = copy.copy(own_board)
    meanwhile.owner = own_stack.api(OWNER, own_stack.second)
    for title in ("First", "Second", "Third"):
        meanwhile.add_task(title)
    expect_cards(on_second, own_board.columns["To do"], "First", "Second", "Third")
    expect_badge(on_second, "Live")
    own_stack.first.restart()
    expect_badge(on_first, "Live", 40)  # first: a window that has tried for long tries every ten seconds
    expect_cards(on_first, own_board.columns["To do"], "First", "Second", "Third")
    assert heard() == [start + 1, start + 2, start + 3]


@pytest.mark.settings(ENABLE_REALTIME="false")
@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_with_real_time_off_the_board_is_polled(own_stack: Stack, own_board: Board, windows: Windows) -> None:
    """The runbook's emergency: nothing but the badge tells the difference, and no console fills up."""
    task = own_board.add_task("Polled")
    one, other = windows.open(own_stack, OWNER), windows.open(own_stack, EDITOR)
    sockets: list[str] = []
    for visitor in (one, other):
        visitor.page.on("websocket", lambda socket: sockets.append(socket.url))
        visitor.open_board(own_board.id, "Polling")
    Mouse(one.page).drag(one.task(task["id"]), lower_part(column(one, own_board.columns["Done"])))
    expect_cards(other, own_board.columns["Done"], "Polled")
    assert status(other)["mode"] == "polling"
    assert sockets == []
    assert one.console == other.console == []


@pytest.fixture
def away(complaints: Complaints) -> None:
    """The gateway is away for a while: the browser complains, and rightly so."""
    complaints.may_hold("net::ERR_", "WebSocket connection to")


def _add_card(visitor: Visitor, column_id: str, title: str) -> None:
    column(visitor, column_id).get_by_role("button", name="New task in").click()
    box = visitor.page.get_by_role("textbox", name="Title of the new task")
    box.fill(title)
    box.press("Enter")
    box.press("Escape")
