"""The browsers of the rig: what a person sees, and that an error in a page cannot pass unseen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.stack import Stack

pytestmark = pytest.mark.browser


def test_two_people_see_the_same_task(board: Board, two_people: tuple[Visitor, Visitor]) -> None:
    for visitor in two_people:
        visitor.open_board(board.id)
    task = board.add_task("Seen in both windows")
    for visitor in two_people:
        expect(visitor.task(task["id"])).to_contain_text("Seen in both windows")


def test_an_error_in_a_page_is_noticed(chromium: Browser, stack: Stack) -> None:
    windows = Windows(chromium)
    visitor = windows.open(stack, None)
    visitor.page.goto("/login")
    with visitor.page.expect_event("pageerror"):
        visitor.page.evaluate("setTimeout(() => { throw new Error('out of order') })")
    windows.close()
    assert visitor.errors == ["out of order"]


def test_windows_do_not_share_a_log_in(visit: Callable[..., Visitor]) -> None:
    visit()
    guest = visit(None)
    guest.page.goto("/projects")
    assert guest.context.cookies() == [] or "sessionid" not in {
        cookie["name"] for cookie in guest.context.cookies()
    }
