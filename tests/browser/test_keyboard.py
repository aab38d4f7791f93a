"""Everything without a pointer, and what a screen reader hears of it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import IN_EACH_ENGINE, ON_ONE_GATEWAY, column, expect_cards
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR, OWNER
from tests.support.processes import eventually

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY, IN_EACH_ENGINE]
A_FEW_TABS = 40


def tab_to(page: Page, selector: str) -> None:
    """Walk the tab order until the focus stands on what is wanted."""
    for _ in range(A_FEW_TABS):
        if page.locator(f"{selector}:focus").count():
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{A_FEW_TABS} tabs do not lead to {selector}")


def focused_task(visitor: Visitor, task_id: str) -> None:
    expect(visitor.task(task_id).locator("a")).to_be_focused()


def test_from_the_log_in_to_a_moved_card(board: Board, visit: Callable[..., Visitor]) -> None:
    for title in ("First", "Second"):
        task = board.add_task(title)
    guest = visit(None)
    page, keys = guest.page, guest.page.keyboard
    page.goto(f"/login?next=/projects/{board.id}")
    expect(page.get_by_label("Username")).to_be_focused()
    keys.type(OWNER.username)
    keys.press("Tab")
    keys.type(OWNER.password)
    keys.press("Enter")
    expect(page.get_by_test_id("connection-badge")).to_have_text("Live")
    tab_to(page, "[data-task-id] a")
    keys.press("ArrowDown")
    focused_task(guest, task["id"])
    keys.press("m")
    expect(page.get_by_role("menu", name="Move Second")).to_be_visible()
    expect(page.get_by_role("menuitemradio", name="To do")).to_be_focused()
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect_cards(guest, board.columns["Done"], "Second")
    focused_task(guest, task["id"])
    expect(page.locator("#announcements")).to_have_text("Moved “Second” to Done")
    keys.press("ArrowLeft")
    expect(page.locator("[data-task-id] a:focus")).to_contain_text("First")


def test_a_task_is_added_edited_and_deleted(board: Board, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.open_board(board.id)
    page.keyboard.press("n")
    page.keyboard.type("Typed only")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect_cards(visitor, board.columns["To do"], "Typed only")
    expect(page.locator(".is-pending")).to_have_count(0)
    tab_to(page, "[data-task-id] a")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Task")).to_be_focused()
    tab_to(page, "#sheet-title")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("Typed again")
    page.keyboard.press("Enter")
    expect_cards(visitor, board.columns["To do"], "Typed again")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator("[data-task-id] a")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "[aria-label='Delete task']")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    tab_to(page, "dialog .danger")
    page.keyboard.press("Enter")
    expect_cards(visitor, board.columns["To do"])
    eventually(lambda: board.snapshot()["tasks"] == [], what="the server's word on it")


def test_filter_and_help(board: Board, visit: Callable[..., Visitor]) -> None:
    board.add_task("Paint the fence", labels=["garden"])
    mine = board.add_task("Mow the lawn", assignee=_id_of(board, EDITOR.username))
    visitor = visit()
    page = visitor.open_board(board.id)
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    for words, titles in {
        "fence": "Paint the fence",
        "#gar": "Paint the fence",
        "@edgar": "Mow the lawn",
    }.items():
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(words)
        expect_cards(visitor, board.columns["To do"], titles)
    page.keyboard.press("Escape")
    expect(visitor.task(mine["id"])).to_be_visible()
    expect_cards(visitor, board.columns["To do"], "Paint the fence", "Mow the lawn")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("m")  # means nothing under a dialog
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_the_focus_stays_with_its_card(board: Board, visit: Callable[..., Visitor]) -> None:
    """Whatever others do: a card that moves away under the focus takes it along."""
    above, task = board.add_task("Above"), board.add_task("Here I stand")
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    visitor.task(task["id"]).locator("a").focus()
    answered(board.owner.delete(f"/api/tasks/{above['id']}/"), 204)
    expect(visitor.task(above["id"])).to_have_count(0)
    focused_task(visitor, task["id"])
    move = {"column": board.columns["Done"], "after": None}
    answered(board.owner.post(f"/api/tasks/{task['id']}/move/", move), 200)
    expect_cards(visitor, board.columns["Done"], "Here I stand")
    focused_task(visitor, task["id"])
    answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"title": "Renamed"}), 200)
    expect_cards(visitor, board.columns["Done"], "Renamed")
    focused_task(visitor, task["id"])
    expect(visitor.page.locator("#announcements")).to_contain_text("Olive Owner changed “Renamed”")


@pytest.mark.parametrize("by", ["somebody else", "oneself"])
def test_where_the_focused_card_is_deleted_its_neighbour_has_the_focus(
    board: Board, visit: Callable[..., Visitor], by: str
) -> None:
    first, *_, task, below = (board.add_task(title) for title in ("First", "Above", "Goes", "Below"))
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    visitor.task(task["id"]).locator("a").focus()
    if by == "oneself":
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Delete task").click()
        page.get_by_role("button", name="Delete task").last.click()
    else:
        answered(board.owner.delete(f"/api/tasks/{task['id']}/"), 204)
    expect(visitor.task(task["id"])).to_have_count(0)
    focused_task(visitor, below["id"])
    answered(board.owner.delete(f"/api/tasks/{below['id']}/"), 204)
    expect(page.locator("[data-task-id] a:focus")).to_contain_text("Above")
    expect(visitor.task(first["id"])).to_be_visible()


def test_where_the_filter_takes_the_focused_card_its_neighbour_has_the_focus(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    tasks = [board.add_task(title)["id"] for title in ("api 1", "api 2", "api 3")]
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    page.get_by_role("searchbox").fill("api")
    visitor.task(tasks[1]).locator("a").focus()
    answered(board.owner.patch(f"/api/tasks/{tasks[1]}/", {"title": "No longer"}), 200)
    expect_cards(visitor, board.columns["To do"], "api 1", "api 3")
    focused_task(visitor, tasks[2])


SHORTCUT = """([key, code]) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }))"""


@pytest.mark.parametrize("keys", [("N", "KeyN"), ("т", "KeyN"), ("ν", "KeyN"), ("מ", "KeyN")], ids=str)
def test_shortcuts_work_with_caps_lock_and_in_every_alphabet(
    board: Board, visit: Callable[..., Visitor], keys: tuple[str, str]
) -> None:
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    page.evaluate(SHORTCUT, list(keys))
    expect(column(visitor, board.columns["To do"]).get_by_role("textbox")).to_be_focused()


def test_typing_into_an_open_card_begins_nothing_on_the_board(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    task = board.add_task("Opened")
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    visitor.task(task["id"]).click()
    expect(page.get_by_role("dialog", name="Task")).to_be_focused()
    page.keyboard.type("new words, more?")
    expect(page.locator(".composer, .menu, dialog[open]")).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_have_value("")
    page.keyboard.press("Escape")
    focused_task(visitor, task["id"])
    page.keyboard.press("n")
    expect(page.locator(".composer")).to_be_visible()


def _id_of(board: Board, username: str) -> str:
    return next(
        member["user"]["id"]
        for member in board.snapshot()["members"]
        if member["user"]["username"] == username
    )
