"""A log-in ends in another tab: the page says so, shows nothing more, or goes on with the new one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, expect_badge, expect_cards
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.people import EDITOR
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]

NEW_KEY = """
from django.contrib.sessions.models import Session
row = Session.objects.get(pk={key!r})
Session.objects.create(pk={key!r}[::-1], session_data=row.session_data, expire_date=row.expire_date)
row.delete()
"""


@pytest.fixture
def visitor(stack: Stack, windows: Windows, complaints: Complaints) -> Iterator[Visitor]:
    """The editor, by a log-in that no other test uses."""
    complaints.may_hold("status of 40[14]")
    stack.sessions.pop(EDITOR.username, None)
    yield windows.open(stack, EDITOR)
    stack.sessions.pop(EDITOR.username, None)


def connection(visitor: Visitor) -> str:
    found: str = visitor.page.evaluate("websocketService.getDetails().connectionId")
    return found


def test_a_board_left_open_shows_nothing_more_after_a_log_out_in_another_tab(
    stack: Stack, board: Board, visitor: Visitor
) -> None:
    page = visitor.open_board(board.id, "Live")
    board.add_task("Before")
    expect_cards(visitor, board.columns["To do"], "Before")
    tab = visitor.open_page()
    tab.goto(f"/projects/{board.id}")
    tab.evaluate("document.querySelector('#log-out').submit()")
    tab.wait_for_url("**/login")
    expect(page.locator("#notices")).to_contain_text("You are logged out")
    board.add_task("Secret")
    public = Board(board.owner, public=True)
    tab.goto(f"/projects/{public.id}")
    expect(tab.get_by_test_id("connection-badge")).to_contain_text("Live")  # a guest, and not locked out
    public.add_task("Seen by guests")
    expect(tab.get_by_text("Seen by guests")).to_be_visible()
    expect_cards(visitor, board.columns["To do"], "Before")


def test_a_board_goes_on_with_the_session_that_took_the_place_of_its_own(
    stack: Stack, board: Board, visitor: Visitor
) -> None:
    """One's own new password, in another tab, gives the browser another cookie."""
    page = visitor.open_board(board.id, "Live")
    before = connection(visitor)
    (cookie,) = [one for one in visitor.context.cookies() if one["name"] == "sessionid"]
    assert stack.python(NEW_KEY.format(key=cookie["value"])).status == 0
    visitor.context.add_cookies([{**cookie, "value": cookie["value"][::-1]}])  # type: ignore[typeddict-item]
    page.wait_for_function("before => websocketService.getDetails().connectionId !== before", arg=before)
    expect_badge(visitor, "Live")
    board.add_task("Goes on")
    expect_cards(visitor, board.columns["To do"], "Goes on")
    expect(page.locator("#notices [data-notice=log-in]")).to_have_count(0)
    assert [one["value"] for one in visitor.context.cookies() if one["name"] == "sessionid"] == [
        cookie["value"][::-1]
    ]
