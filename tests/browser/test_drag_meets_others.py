"""What others do to a card, or to its column, while it is in somebody's hand."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hands import ON_ONE_GATEWAY, Mouse, column, expect_cards, lower_part, middle
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


def test_a_deleted_card_leaves_the_hand(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Gone in a moment")
    board.add_task("Stays")
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    mouse = Mouse(visitor.page)
    mouse.take(visitor.task(task["id"]))
    answered(board.owner.delete(f"/api/tasks/{task['id']}/"), 204)
    expect(visitor.page.locator("#toasts")).to_contain_text(
        "Olive Owner deleted “Gone in a moment” while you were dragging it."
    )
    expect(visitor.page.locator(".is-ghost, .is-lifted, .drop-line:visible")).to_have_count(0)
    mouse.carry_to(middle(column(visitor, board.columns["Done"])))
    mouse.let_go()
    expect_cards(visitor, board.columns["To do"], "Stays")
    expect_cards(visitor, board.columns["Done"])


def test_of_two_moves_the_drop_decides_and_says_so(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Wanted by two")
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    mouse = Mouse(visitor.page)
    mouse.take(visitor.task(task["id"]))
    move = {"column": board.columns["In progress"], "after": None}
    answered(board.owner.post(f"/api/tasks/{task['id']}/move/", move), 200)
    expect(visitor.page.locator("#toasts")).to_contain_text(
        "Olive Owner moved “Wanted by two” to In progress while you were dragging it."
    )
    expect(visitor.page.locator(".is-ghost")).to_be_visible()
    mouse.carry_to(lower_part(column(visitor, board.columns["Done"])))
    mouse.let_go()
    expect_cards(visitor, board.columns["Done"], "Wanted by two")
    expect_cards(visitor, board.columns["In progress"])
    expect(visitor.page.locator(".is-pending")).to_have_count(0)
    assert board.snapshot()["tasks"][0]["column"] == board.columns["Done"]


def test_a_drop_never_lands_in_a_deleted_column(board: Board, visit: Callable[..., Visitor]) -> None:
    """The line has moved on to the nearest column that is left, and the card lands where the line is."""
    task = board.add_task("Looking for a home")
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    mouse = Mouse(visitor.page)
    mouse.take(visitor.task(task["id"]))
    mouse.carry_to(lower_part(column(visitor, board.columns["Done"])))
    answered(board.owner.delete(f"/api/columns/{board.columns['Done']}/"), 204)
    expect(column(visitor, board.columns["Done"])).to_have_count(0)
    expect(visitor.page.locator("#toasts")).to_contain_text("Olive Owner deleted the column Done")
    mouse.let_go()
    expect_cards(visitor, board.columns["In progress"], "Looking for a home")
    expect(visitor.page.locator(".is-ghost, .is-lifted, .is-pending")).to_have_count(0)
    assert board.snapshot()["tasks"][0]["column"] == board.columns["In progress"]


def test_the_column_of_a_card_in_hand_is_deleted(board: Board, visit: Callable[..., Visitor]) -> None:
    """Its tasks go elsewhere; the one in hand still goes where it is dropped."""
    task = board.add_task("In hand")
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    mouse = Mouse(visitor.page)
    mouse.take(visitor.task(task["id"]))
    target = board.columns["In progress"]
    answered(board.owner.delete(f"/api/columns/{board.columns['To do']}/?moveTo={target}"), 204)
    expect_cards(visitor, target, "In hand")
    expect(visitor.task(task["id"])).to_have_class("card is-lifted")
    mouse.carry_to(lower_part(column(visitor, board.columns["Done"])))
    mouse.let_go()
    expect_cards(visitor, board.columns["Done"], "In hand")
