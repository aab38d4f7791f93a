"""Two people in one task: nobody's words are lost, and each learns of the other."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.hands import ON_ONE_GATEWAY, expect_cards
from tests.support.boards import Board
from tests.support.browser import Visitor

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


def title_of(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("textbox", name="Title", exact=True)


def description_of(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("textbox", name="Description")


@pytest.fixture
def both_in_one_task(board: Board, two_people: tuple[Visitor, Visitor]) -> tuple[Visitor, Visitor]:
    task = board.add_task("Plan", description="Before")
    for visitor in two_people:
        visitor.page.goto(f"/projects/{board.id}/tasks/{task['id']}")
        expect(title_of(visitor)).to_have_value("Plan")
        expect(visitor.page.get_by_test_id("connection-badge")).to_have_text("Live")
    return two_people


def test_of_two_titles_the_person_chooses(board: Board, both_in_one_task: tuple[Visitor, Visitor]) -> None:
    first, second = both_in_one_task
    title_of(first).press_sequentially(", mine")
    title_of(second).fill("Plan, theirs")
    title_of(second).press("Enter")
    expect(first.page.get_by_role("alert")).to_contain_text(
        "Edgar Editor changed the title while you were editing: “Plan, theirs”"
    )
    expect(title_of(first)).to_have_value("Plan, mine")
    title_of(first).blur()  # leaving the field decides nothing
    expect_cards(second, board.columns["To do"], "Plan, theirs")
    first.page.get_by_role("button", name="Save mine").click()
    expect(title_of(second)).to_have_value("Plan, mine")
    expect(first.page.get_by_role("alert")).to_have_count(0)
    expect_cards(first, board.columns["To do"], "Plan, mine")


def test_changes_of_different_fields_both_hold(
    board: Board, both_in_one_task: tuple[Visitor, Visitor]
) -> None:
    first, second = both_in_one_task
    description_of(first).fill("Half a sentence")
    title_of(second).fill("A better plan")
    title_of(second).press("Enter")
    expect(title_of(first)).to_have_value("A better plan")
    expect(description_of(first)).to_have_value("Half a sentence")
    description_of(first).blur()
    expect(description_of(second)).to_have_value("Half a sentence")
    expect(first.page.get_by_role("alert")).to_have_count(0)


def test_words_in_a_task_that_somebody_deletes_stay(
    board: Board, both_in_one_task: tuple[Visitor, Visitor]
) -> None:
    first, second = both_in_one_task
    description_of(first).fill("Three paragraphs of thought")
    second.page.get_by_role("button", name="Delete task").click()
    second.page.locator("dialog").get_by_role("button", name="Delete task").click()
    gone = first.page.get_by_role("alert").filter(has_text="Edgar Editor deleted this task")
    expect(gone).to_contain_text("while you were editing.")
    expect(description_of(first)).to_have_value("Three paragraphs of thought")
    expect_cards(first, board.columns["To do"])


def test_a_comment_half_written_survives_what_others_write(
    board: Board, both_in_one_task: tuple[Visitor, Visitor]
) -> None:
    first, second = both_in_one_task
    mine = first.page.get_by_role("textbox", name="Write a comment")
    mine.fill("I was about to say")
    theirs = second.page.get_by_role("textbox", name="Write a comment")
    theirs.fill("Me first")
    theirs.press("ControlOrMeta+Enter")
    expect(first.page.locator(".comment-text")).to_have_text(["Me first"])
    expect(mine).to_have_value("I was about to say")
