"""Each thing that the page can change, done once by hand in one window and seen in another."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, column, expect_cards
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR, OUTSIDER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


@pytest.fixture
def both(board: Board, two_people: tuple[Visitor, Visitor]) -> tuple[Visitor, Visitor]:
    for visitor in two_people:
        visitor.open_board(board.id)
    return two_people


def choose(visitor: Visitor, opener: Locator, item: str) -> None:
    opener.click()
    visitor.page.get_by_role("menuitem", name=item).click()


def column_names(visitor: Visitor) -> Locator:
    return visitor.page.locator(".column-name")


def test_the_fields_of_a_task(board: Board, both: tuple[Visitor, Visitor]) -> None:
    one, other = both
    page = one.page
    column(one, board.columns["To do"]).get_by_role("button", name="New task in To do").click()
    box = page.get_by_role("textbox", name="Title of the new task")
    box.fill("By hand")
    box.press("Enter")
    box.press("Escape")
    expect_cards(other, board.columns["To do"], "By hand")
    card = other.page.locator("[data-task-id]")
    page.get_by_role("link", name="By hand").click()
    page.get_by_role("combobox", name="Assignee").select_option(label=EDITOR.name)
    expect(card.get_by_role("img", name="Assigned to Edgar Editor")).to_be_visible()
    page.get_by_label("Due").fill("2020-02-29")
    expect(card).to_contain_text("Overdue, Feb 29, 2020")
    label = page.get_by_role("combobox", name="Add a label")
    label.fill("urgent")
    label.press("Enter")
    expect(card).to_contain_text("urgent.")
    page.get_by_role("textbox", name="Description").fill("With care")
    page.get_by_role("textbox", name="Description").blur()
    page.get_by_role("combobox", name="Column").select_option(label="Done")
    expect_cards(other, board.columns["Done"], "By hand")
    card.locator("a").click()
    expect(other.page.get_by_role("textbox", name="Description")).to_have_value("With care")
    page.get_by_role("button", name="Remove urgent").click()
    expect(other.page.locator(".chip")).to_have_count(0)
    page.get_by_role("button", name="Delete task").click()
    page.locator("dialog").get_by_role("button", name="Delete task").click()
    expect(other.page.locator("#toasts")).to_contain_text("Olive Owner deleted “By hand”.")
    expect_cards(other, board.columns["Done"])


def test_comments(board: Board, both: tuple[Visitor, Visitor]) -> None:
    task = board.add_task("Talked about")
    one, other = both
    for visitor in both:
        visitor.task(task["id"]).locator("a").click()
        expect(visitor.page.locator("#sheet")).to_contain_text("No comments yet.")
    one.page.get_by_role("textbox", name="Write a comment").fill("First words")
    one.page.get_by_role("button", name="Comment", exact=True).click()
    comments = other.page.locator(".comment-text")
    expect(comments).to_have_text(["First words"])
    expect(other.task(task["id"])).to_contain_text("1 comment")
    expect(other.page.get_by_role("button", name="Edit")).to_have_count(0)
    one.page.get_by_role("button", name="Edit").click()
    one.page.get_by_role("textbox", name="Edit the comment").fill("Second thoughts")
    one.page.get_by_role("button", name="Save", exact=True).click()
    expect(comments).to_have_text(["Second thoughts"])
    one.page.locator(".comment").get_by_role("button", name="Delete").click()
    one.page.get_by_role("button", name="Delete comment").click()
    expect(comments).to_have_count(0)
    expect(other.task(task["id"])).not_to_contain_text("comment")


def test_columns(board: Board, both: tuple[Visitor, Visitor]) -> None:
    board.add_task("Moves along")
    one, other = both
    page = one.page
    page.get_by_role("button", name="Add column").click()
    page.get_by_role("textbox", name="Name").fill("Later")
    page.get_by_role("button", name="Add column").last.click()
    expect(column_names(other)).to_have_text(["To do", "In progress", "Done", "Later"])
    choose(one, page.get_by_role("button", name="Actions for the column Later"), "Rename…")
    page.get_by_role("textbox", name="Name").fill("Some day")
    page.get_by_role("button", name="Rename").click()
    expect(column_names(other)).to_have_text(["To do", "In progress", "Done", "Some day"])
    choose(one, page.get_by_role("button", name="Actions for the column Some day"), "Move left")
    expect(column_names(other)).to_have_text(["To do", "In progress", "Some day", "Done"])
    choose(one, page.get_by_role("button", name="Actions for the column To do"), "Delete…")
    page.get_by_label("Where do its 1 task go?").select_option(label="Done")
    page.get_by_role("button", name="Delete column").click()
    expect(column_names(other)).to_have_text(["In progress", "Some day", "Done"])
    expect_cards(other, board.columns["Done"], "Moves along")


def test_members_and_the_board_itself(
    board: Board, both: tuple[Visitor, Visitor], complaints: Complaints
) -> None:
    complaints.may_hold("status of 400")
    one, other = both
    for visitor in both:
        visitor.page.get_by_role("button", name="Members").click()
    panel, seen = (visitor.page.get_by_role("dialog", name="Members") for visitor in both)
    expect(seen.get_by_role("button", name="Add member")).to_be_hidden()
    panel.get_by_label("Username").fill("nobody-of-this-name")
    panel.get_by_role("button", name="Add member").click()
    expect(panel.get_by_role("alert")).not_to_be_empty()
    panel.get_by_label("Username").fill(OUTSIDER.username)
    panel.get_by_role("button", name="Add member").click()
    expect(seen).to_contain_text(OUTSIDER.name)
    panel.get_by_label("Role of Otto Outsider").select_option("viewer")
    expect(seen.locator("li", has_text=OUTSIDER.name)).to_contain_text("viewer")
    panel.get_by_role("button", name="Remove Otto Outsider").click()
    one.page.get_by_role("dialog", name="Remove Otto Outsider?").get_by_role("button", name="Remove").click()
    expect(seen).not_to_contain_text(OUTSIDER.name)
    one.page.keyboard.press("Escape")
    choose(one, one.page.get_by_role("button", name="Board menu"), "Rename…")
    one.page.get_by_role("textbox", name="Name").fill("A better name")
    one.page.get_by_role("button", name="Rename").click()
    expect(other.page.locator("h1")).to_have_text("A better name")


def test_a_removed_member_is_told(
    board: Board, both: tuple[Visitor, Visitor], complaints: Complaints
) -> None:
    complaints.may_hold("status of 40[34]")
    member = next(one for one in board.snapshot()["members"] if one["user"]["username"] == EDITOR.username)
    answered(board.owner.delete(f"/api/members/{member['id']}/"), 204)
    _, other = both
    expect(other.page.locator("#notices")).to_contain_text("You can no longer see this board")
    expect(other.page.get_by_role("button", name="New task in To do")).to_be_hidden()
