"""Words made of a time stay true: over midnight, by the minute, with a wrong clock, for finished tasks."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser.hands import IN_EACH_ENGINE, ON_ONE_GATEWAY, column
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR
from tests.support.processes import eventually

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
ZONE = {"timezone_id": "UTC"}


def today() -> date:
    return datetime.now(UTC).date()


def test_a_tab_left_open_over_midnight_says_what_is_due_now(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    """The server's clock does not go that far ahead with the browser's, so the page hears no more of it."""
    task = board.add_task("Due", dueOn=str(today() + timedelta(days=1)))
    visitor = visit(EDITOR, **ZONE)
    visitor.page.clock.install()
    visitor.open_board(board.id)
    due = visitor.task(task["id"]).locator(".due")
    expect(due).to_have_text("Due tomorrow")
    visitor.page.clock.fast_forward("23:59:59")
    expect(due).to_have_text("Due today")


def test_what_is_a_while_ago_is_counted_on(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Read")
    visitor = visit(EDITOR)
    page = visitor.page
    page.clock.install()
    visitor.open_board(board.id)
    visitor.task(task["id"]).click()
    page.get_by_label("Write a comment").fill("Now")
    page.get_by_role("button", name="Comment", exact=True).click()
    comment = page.locator(".comment")
    expect(comment).to_contain_text("just now")
    page.clock.fast_forward("05:10")
    expect(comment).to_contain_text("5 min ago")
    expect(page.locator("#sheet")).to_contain_text("Created 5 min ago")


def test_with_a_clock_that_is_hours_ahead_ones_own_comment_is_of_just_now(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    task = board.add_task("Read", dueOn=str(today()))
    visitor = visit(EDITOR, **ZONE)
    page = visitor.page
    page.clock.install(time=datetime.now(UTC) + timedelta(hours=30))
    visitor.open_board(board.id)
    expect(visitor.task(task["id"]).locator(".due")).to_have_text("Due today")
    visitor.task(task["id"]).click()
    page.get_by_label("Write a comment").fill("Now")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comment time")).to_have_text("just now")


@IN_EACH_ENGINE
def test_nothing_is_overdue_in_a_column_that_is_marked_as_done(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    past = today() - timedelta(days=40)
    task = board.add_task("Finished", column=board.columns["In progress"], dueOn=str(past))
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    due = visitor.task(task["id"]).locator(".due")
    expect(due).to_contain_text("Overdue")
    page.get_by_role("button", name="Actions for the column In progress").click()
    page.get_by_role("menuitem", name="Mark as done").click()
    expect(due).to_have_attribute("data-due", "done")
    expect(due).not_to_contain_text("Overdue")
    expect(column(visitor, board.columns["In progress"]).locator(".column-done")).to_be_visible()
    eventually(lambda: done(board), what="the server's word")
    expect(page.locator(".is-pending")).to_have_count(0)
    page.get_by_role("button", name="Actions for the column In progress").click()
    page.get_by_role("menuitem", name="Mark as not done").click()
    expect(due).to_contain_text("Overdue")
    answered(board.owner.patch(f"/api/columns/{board.columns['In progress']}/", {"done": True}), 200)
    expect(due).not_to_contain_text("Overdue")  # by somebody else


def done(board: Board) -> bool:
    (found,) = (one for one in board.snapshot()["columns"] if one["id"] == board.columns["In progress"])
    return bool(found["done"])


@pytest.mark.parametrize(
    "language, words",
    [("en-US", "Due Jan 5, 2031"), ("en-GB", "Due 5 Jan 2031"), ("de-DE", "Due 5. Jan. 2031")],
)
def test_dates_are_written_as_their_reader_writes_them(
    board: Board, visit: Callable[..., Visitor], language: str, words: str
) -> None:
    task = board.add_task("Due", dueOn="2031-01-05")
    visitor = visit(EDITOR, locale=language)
    visitor.open_board(board.id)
    expect(visitor.task(task["id"]).locator(".due")).to_have_text(words)
