"""A board's page loads its board by itself, and says so while it does not come."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, HeldRequests, expect_badge, expect_cards, violations
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import OWNER, VIEWER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]

Visit = Callable[..., Visitor]
ADDRESS = "**/api/projects/*/board/*"


def test_while_the_board_does_not_come_the_page_says_so_and_tries_again(
    visit: Visit, board: Board, complaints: Complaints
) -> None:
    complaints.may_hold("status of 503")
    board.add_task("At last")
    visitor = visit(OWNER)
    requests = HeldRequests(visitor.page, ADDRESS)
    visitor.page.goto(f"/projects/{board.id}")
    loading, columns = visitor.page.locator("#board-loading"), visitor.page.locator("#board")
    expect(loading).to_have_text("Loading the board…")
    expect(columns).to_have_attribute("aria-busy", "true")
    requests.next().fulfill(status=503, json={"code": "unavailable", "detail": "Later."})
    expect(loading).to_contain_text("The board could not be loaded")
    assert violations(visitor.page, "light") == []
    loading.get_by_role("button", name="Try again").click()
    requests.next().continue_()
    expect_cards(visitor, board.columns["To do"], "At last")
    expect_badge(visitor, "Live")
    expect(loading).to_have_count(0)
    expect(columns).not_to_have_attribute("aria-busy", "true")


def test_who_may_no_longer_see_the_board_when_it_is_loaded_is_told(
    visit: Visit, board: Board, complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    visitor = visit(VIEWER)
    requests = HeldRequests(visitor.page, ADDRESS)
    visitor.page.goto(f"/projects/{board.id}")
    expect(visitor.page.locator("#board-loading")).to_be_visible()
    members = answered(board.owner.get(f"{board.path}/members/"), 200)["results"]
    (viewer,) = (one["id"] for one in members if one["role"] == "viewer")
    answered(board.owner.delete(f"/api/members/{viewer}/"), 204)
    requests.next().continue_()
    expect(visitor.page.locator("#notices")).to_contain_text("You can no longer see this board")
    expect(visitor.page.locator("#board-loading")).to_be_hidden()


def test_a_board_is_asked_for_once_and_not_sent_again_where_nothing_has_changed(
    visit: Visit, board: Board
) -> None:
    """The page's first question is the one that its modules use; opened again, the browser has the answer."""
    board.add_task("Once")
    visitor = visit(OWNER)
    for once_more in (False, True):
        visitor.open_board(board.id)
        expect_cards(visitor, board.columns["To do"], "Once")
        ((whole, sent),) = visitor.page.evaluate(
            "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/board/'))"
            ".map((answer) => [answer.encodedBodySize, answer.transferSize])"
        )
        assert (sent < whole) is once_more, "304: headers alone"
