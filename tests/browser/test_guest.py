"""Without a log-in: public boards are read, live; private ones are not there."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, Mouse, column, expect_cards, middle
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import OWNER, VIEWER
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


@pytest.mark.parametrize("person", [None, VIEWER], ids=["guest", "viewer"])
def test_a_reader_sees_changes_and_can_make_none(
    stack: Stack, visit: Callable[..., Visitor], person: object
) -> None:
    board = Board(stack.api(), public=True)
    task = board.add_task("Read me")
    reader = visit(person)
    page = reader.open_board(board.id, "Live")
    board.add_task("Came later")
    expect_cards(reader, board.columns["To do"], "Read me", "Came later")
    for name in ("New task in", "Actions for", "Add column"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    for key in ("n", "m"):
        page.keyboard.press(key)
    expect(page.get_by_role("textbox", name="Title of the new task")).to_have_count(0)
    mouse = Mouse(page)
    mouse.press(middle(reader.task(task["id"])))
    mouse.move(middle(column(reader, board.columns["Done"])))
    expect(page.locator(".is-ghost")).to_have_count(0)
    mouse.let_go()
    reader.task(task["id"]).locator("a").click()
    expect(page.get_by_role("textbox", name="Title", exact=True)).not_to_be_editable()
    expect(page.get_by_role("button", name="Delete task")).to_be_hidden()
    expect(page.get_by_role("textbox", name="Write a comment")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Column")).to_be_disabled()


def test_a_private_board_is_not_there(
    board: Board, visit: Callable[..., Visitor], complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    guest = visit(None)
    answer = guest.page.goto(f"/projects/{board.id}")
    assert answer is not None
    assert answer.status == 404
    expect(guest.page.get_by_role("heading", name="There is no such board here")).to_be_visible()
    expect(guest.page.locator("body")).not_to_contain_text("Test board")
    guest.page.get_by_role("link", name="Log in to see more").click()
    guest.page.get_by_label("Username").fill(OWNER.username)
    guest.page.get_by_label("Password").fill(OWNER.password)
    guest.page.get_by_role("button", name="Log in").click()
    expect(guest.page.get_by_role("heading", level=1)).to_have_text("Test board")


def test_a_board_made_private_is_lost_at_once(
    stack: Stack, visit: Callable[..., Visitor], complaints: Complaints
) -> None:
    complaints.may_hold("status of 40[134]")
    board = Board(stack.api(), public=True)
    guest = visit(None)
    page = guest.open_board(board.id)
    answered(board.owner.patch(f"{board.path}/", {"public": False}), 200)
    expect(page.locator("#notices")).to_contain_text("You can no longer see this board")
    board.add_task("Secret")
    expect_cards(guest, board.columns["To do"])
