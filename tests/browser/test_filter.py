"""Under a filter a board is what one sees: places are those of the visible list, nothing vanishes unsaid."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hands import ON_ONE_GATEWAY, Mouse, column, expect_cards, middle
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.processes import eventually

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


@pytest.fixture
def tasks(board: Board) -> dict[str, str]:
    return {
        title: board.add_task(title)["id"]
        for title in ("hide 1", "api A", "hide 2", "api B", "hide 3", "api C")
    }


@pytest.fixture
def visitor(board: Board, tasks: dict[str, str], visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit()
    visitor.open_board(board.id)
    visitor.page.get_by_role("searchbox").fill("api")
    expect_cards(visitor, board.columns["To do"], "api A", "api B", "api C")
    return visitor


def order(board: Board) -> list[str]:
    tasks = [task for task in board.snapshot()["tasks"] if task["column"] == board.columns["To do"]]
    return [task["title"] for task in tasks]


def test_a_card_that_is_lifted_and_put_back_has_not_moved(
    board: Board, visitor: Visitor, tasks: dict[str, str]
) -> None:
    seq, mouse = board.seq, Mouse(visitor.page)
    for title in ("api B", "api C", "api A"):
        mouse.take(visitor.task(tasks[title]))
        mouse.carry_to(middle(visitor.task(tasks[title])))
        mouse.let_go()
        expect(visitor.page.locator(".is-ghost")).to_have_count(0)
    visitor.task(tasks["api B"]).locator("a").focus()
    visitor.page.keyboard.press("m")
    visitor.page.get_by_role("menuitem", name="To a certain place…").click()
    visitor.page.get_by_label("Place").select_option(label="After “api A”")
    visitor.page.get_by_role("button", name="Move", exact=True).click()
    visitor.page.get_by_role("searchbox").fill("")
    expect_cards(visitor, board.columns["To do"], "hide 1", "api A", "hide 2", "api B", "hide 3", "api C")
    assert board.seq == seq


def test_a_card_lands_right_below_the_visible_one_above_it(
    board: Board, visitor: Visitor, tasks: dict[str, str]
) -> None:
    x, y = middle(visitor.task(tasks["api B"]))
    Mouse(visitor.page).drag(visitor.task(tasks["api C"]), (x, y - 10))
    expect_cards(visitor, board.columns["To do"], "api A", "api C", "api B")
    eventually(
        lambda: order(board) == ["hide 1", "api A", "api C", "hide 2", "api B", "hide 3"], what="the drop"
    )
    visitor.task(tasks["api B"]).locator("a").focus()
    visitor.page.keyboard.press("m")
    visitor.page.get_by_role("menuitem", name="Up").click()
    expect_cards(visitor, board.columns["To do"], "api A", "api B", "api C")
    eventually(
        lambda: order(board) == ["hide 1", "api A", "api B", "api C", "hide 2", "hide 3"], what="one up"
    )


def test_what_one_makes_is_seen_although_it_does_not_match_until_the_filter_changes(
    board: Board, visitor: Visitor, tasks: dict[str, str]
) -> None:
    page = visitor.page
    page.get_by_role("button", name="New task in To do").click()
    page.keyboard.type("Call the printer")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect_cards(visitor, board.columns["To do"], "api A", "api B", "api C", "Call the printer")
    made = column(visitor, board.columns["To do"]).locator(".card").last
    expect(made).to_contain_text("Does not match the filter")
    expect(page.locator(".is-pending")).to_have_count(0)
    visitor.task(tasks["api B"]).click()
    page.get_by_label("Title").fill("Renamed by me")
    page.keyboard.press("Enter")
    expect(visitor.task(tasks["api B"])).to_contain_text("Does not match the filter")
    board.add_task("By somebody else")
    board.add_task("api of somebody else")
    expect_cards(
        visitor,
        board.columns["To do"],
        "api A",
        "Renamed by me",
        "api C",
        "Call the printer",
        "api of somebody else",
    )
    page.get_by_role("searchbox").fill("api ")
    expect_cards(visitor, board.columns["To do"], "api A", "api C", "api of somebody else")
