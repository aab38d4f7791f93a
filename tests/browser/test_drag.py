"""Dragging cards with whatever points: a mouse, a pen, a finger."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.hands import (
    IN_EACH_ENGINE,
    ON_ONE_GATEWAY,
    Finger,
    Mouse,
    Pen,
    column,
    expect_cards,
    lower_part,
    middle,
)
from tests.support.boards import Board
from tests.support.browser import Visitor

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
PHONE = {"viewport": {"width": 390, "height": 760}, "has_touch": True, "is_mobile": True}
TABLET = {"viewport": {"width": 1100, "height": 760}, "has_touch": True}


@pytest.mark.parametrize(
    "engine, kind", [("chromium", Mouse), ("chromium", Pen), ("chromium", Finger), ("firefox", Mouse)]
)
def test_a_card_goes_where_it_is_dropped(
    board: Board, visit: Callable[..., Visitor], kind: type[Mouse]
) -> None:
    tasks = [board.add_task(title)["id"] for title in ("First", "Second", "Third", "Fourth")]
    visitor = visit(**({} if kind is Mouse else TABLET))
    visitor.open_board(board.id)
    pointer = kind(visitor.page)
    pointer.drag(visitor.task(tasks[3]), lower_part(column(visitor, board.columns["In progress"])))
    expect_cards(visitor, board.columns["In progress"], "Fourth")
    x, y = middle(visitor.task(tasks[1]))
    pointer.drag(visitor.task(tasks[2]), (x, y - 10))
    expect_cards(visitor, board.columns["To do"], "First", "Third", "Second")
    expect(visitor.page.locator(".is-pending")).to_have_count(0)
    titles = [task["title"] for task in board.snapshot()["tasks"]]
    assert titles == ["First", "Third", "Second", "Fourth"]
    expect(visitor.page.locator("#sheet")).to_be_hidden()  # the drop was no click


@IN_EACH_ENGINE
def test_escape_lets_go_of_a_card(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Stays here")
    visitor = visit()
    visitor.open_board(board.id)
    seq = board.seq
    mouse = Mouse(visitor.page)
    mouse.take(visitor.task(task["id"]))
    mouse.carry_to(lower_part(column(visitor, board.columns["Done"])))
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.locator(".is-ghost")).to_have_count(0)
    mouse.let_go()
    expect_cards(visitor, board.columns["To do"], "Stays here")
    visitor.task(task["id"]).click()  # and the next click is a click
    expect(visitor.page.get_by_role("textbox", name="Title")).to_have_value("Stays here")
    assert board.seq == seq


def test_a_finger_that_swipes_scrolls_and_drags_nothing(board: Board, visit: Callable[..., Visitor]) -> None:
    tasks = [board.add_task(f"Task {number}") for number in range(20)]
    visitor = visit(**PHONE)
    visitor.open_board(board.id)
    seq = board.seq
    finger = Finger(visitor.page)
    finger.press(middle(visitor.task(tasks[6]["id"])))
    finger.move((finger.at[0], finger.at[1] - 250))
    finger.let_go()
    expect(visitor.task(tasks[0]["id"])).not_to_be_in_viewport()
    expect(visitor.page.locator(".is-ghost, .is-lifted")).to_have_count(0)
    assert board.seq == seq


def test_on_a_phone_a_card_is_carried_over_the_edge(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("To the next column")
    visitor = visit(**PHONE)
    visitor.open_board(board.id)
    finger = Finger(visitor.page)
    finger.take(visitor.task(task["id"]))
    finger.carry_to((384, 300))
    expect(column(visitor, board.columns["To do"])).not_to_be_in_viewport()
    finger.carry_to((200, 300))
    finger.let_go()
    expect(visitor.page.locator(".is-pending")).to_have_count(0)
    assert board.snapshot()["tasks"][0]["column"] != board.columns["To do"]


# What the page hears where the button is released outside of it, or is none of the page's any more.
ENDS = {
    "a move without a button": "root.dispatchEvent(pointer('pointermove', { buttons: 0, clientX: 700 }))",
    "a lost capture": "root.dispatchEvent(pointer('lostpointercapture', {}))",
    "another window": "dispatchEvent(new Event('blur'))",
    "a menu": "root.dispatchEvent(new MouseEvent('contextmenu', { bubbles: true, cancelable: true }))",
}
PAGE = """const root = document.querySelector('#board');
const pointer = (name, more) => new PointerEvent(name,
    { bubbles: true, pointerId: window.pressed, pointerType: 'mouse', isPrimary: true, ...more });
"""
NOTE_PRESS = "addEventListener('pointerdown', (event) => { window.pressed = event.pointerId; }, true)"


@IN_EACH_ENGINE
@pytest.mark.parametrize("end", ENDS)
def test_a_card_is_let_go_when_the_button_is_up_somewhere_else(
    board: Board, visit: Callable[..., Visitor], end: str
) -> None:
    task = board.add_task("Stays here")
    visitor = visit()
    page = visitor.open_board(board.id)
    seq, mouse = board.seq, Mouse(page)
    page.evaluate(NOTE_PRESS)
    mouse.take(visitor.task(task["id"]))
    page.evaluate(f"() => {{ {PAGE} {ENDS[end]} }}")
    expect(page.locator(".is-ghost, .is-lifted")).to_have_count(0)
    expect(page.locator(".drop-line")).to_be_hidden()
    page.mouse.move(*lower_part(column(visitor, board.columns["Done"])))
    page.mouse.up()
    page.mouse.click(*lower_part(column(visitor, board.columns["Done"])))
    expect_cards(visitor, board.columns["To do"], "Stays here")
    assert board.seq == seq


@IN_EACH_ENGINE
def test_a_click_with_ctrl_takes_no_card(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Has a menu on a Mac")
    visitor = visit()
    page = visitor.open_board(board.id)
    page.keyboard.down("Control")
    mouse = Mouse(page)
    mouse.press(middle(visitor.task(task["id"])))
    mouse.move(lower_part(column(visitor, board.columns["Done"])))
    expect(page.locator(".is-ghost")).to_have_count(0)
    page.keyboard.up("Control")
    mouse.let_go()
    expect_cards(visitor, board.columns["To do"], "Has a menu on a Mac")
