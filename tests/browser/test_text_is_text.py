"""What people write is text, wherever it is shown; and a page speaks to nobody but its own server."""

from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Dialog, expect

from tests.browser.hands import ON_ONE_GATEWAY, column, expect_cards
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Windows
from tests.support.people import EDITOR
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"


def test_markup_is_shown_as_written(stack: Stack, windows: Windows) -> None:
    board = Board(stack.api(), name=MARKUP)
    visitor = windows.open(stack, EDITOR)
    page = visitor.page
    alerts: list[str] = []
    asked: set[str] = set()

    def refuse(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
    board.add_task(SCRIPT, description=MARKUP)  # inside the page's own snapshot
    visitor.open_board(board.id)
    expect_cards(visitor, board.columns["To do"], SCRIPT)
    task = _write_everywhere(board)
    expect_cards(visitor, board.columns["To do"], SCRIPT, MARKUP)
    expect(page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    expect(column(visitor, board.columns["Done"]).get_by_role("heading")).to_have_text(MARKUP)
    expect(page.locator("#announcements")).not_to_be_empty()
    visitor.task(task).locator("a").click()
    expect(page.locator(".comment-text")).to_have_text([MARKUP])
    expect(page.locator(".chip")).to_have_text([MARKUP])
    expect(page.get_by_role("textbox", name="Description")).to_have_value(MARKUP)
    page.keyboard.press("Escape")
    visitor.task(task).hover()
    page.get_by_role("button", name=f"Actions for {MARKUP}").click()
    expect(page.get_by_role("menuitemradio").last).to_have_text(MARKUP)
    answered(board.owner.delete(f"/api/tasks/{task}/"), 204)
    expect_cards(visitor, board.columns["To do"], SCRIPT)
    page.goto(f"/projects?{urlencode({'q': MARKUP})}")
    expect(page.get_by_role("heading", name=MARKUP)).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    assert alerts == []
    assert asked == {urlsplit(url).netloc for url in (stack.first.web_url, stack.first.http_url)}


def _write_everywhere(board: Board) -> str:
    """Markup in every text that a person can give, while somebody looks on; the task's id."""
    task: str = board.add_task(MARKUP, description=MARKUP, labels=[MARKUP])["id"]
    answered(board.owner.post(f"/api/tasks/{task}/comments/", {"text": MARKUP}), 201)
    answered(board.owner.patch(f"/api/columns/{board.columns['Done']}/", {"name": MARKUP}), 200)
    return task
