"""What the server refuses: the words are given back, and nothing reads "Saved" that was not."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, HeldRequests, column, offline
from tests.browser.test_drafts import (
    description,
    make_viewer,
    new_card,
    open_task,
    reopen,
    title,
    toast_button,
)
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.network import Network
from tests.support.people import EDITOR, OWNER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
Visit = Callable[..., Visitor]
WORDS = "Three paragraphs of thought"


@pytest.fixture
def task(board: Board) -> dict[str, Any]:
    return board.add_task("Plan", description="Before")


def state(page: Page) -> Any:
    return page.locator(".sheet-state")


def kept_in(page: Page) -> Any:
    return page.get_by_role("dialog", name="Not saved").locator(".kept")


def test_a_refused_description_is_given_back_below_the_box_and_in_the_list(
    visit: Visit, board: Board, task: dict[str, Any], complaints: Complaints
) -> None:
    complaints.may_hold("status of 403")
    page = open_task(visit(EDITOR), board, task)
    asked = HeldRequests(page, f"**/api/tasks/{task['id']}/")
    description(page).fill(WORDS)
    description(page).blur()
    expect(state(page)).to_have_text("Saving…")
    refused = asked.next()
    make_viewer(board)  # in that moment
    refused.continue_()
    kept = page.locator(".sheet .kept")
    expect(kept).to_contain_text(
        "The description of “Plan” was not saved: you may not do this on this board."
    )
    expect(kept.get_by_role("group", name="Your words")).to_have_text(WORDS)
    expect(state(page)).to_have_text("Not saved")
    page.reload()
    expect(kept.get_by_role("group", name="Your words")).to_have_text(WORDS)
    page.get_by_role("button", name="Not saved (1)").click()
    kept_in(page).get_by_role("button", name="Drop").click()
    expect(kept_in(page)).to_have_count(0)
    toast_button(page, "Undo").click()
    expect(kept_in(page)).to_have_count(1)


def test_what_was_refused_can_be_sent_again(
    visit: Visit, board: Board, task: dict[str, Any], complaints: Complaints
) -> None:
    complaints.may_hold("status of 403")
    page = open_task(visit(EDITOR), board, task)
    comment = page.get_by_role("textbox", name="Write a comment")
    page.route(
        "**/comments/", lambda route: route.fulfill(status=403, json={"status": 403, "code": "forbidden"})
    )
    comment.fill(WORDS)
    comment.press("ControlOrMeta+Enter")
    kept = page.locator(".sheet-comments .kept")
    expect(kept).to_contain_text("A comment of “Plan” was not saved:")
    page.unroute("**/comments/")
    kept.get_by_role("button", name="Send again").click()
    expect(page.locator(".comment-text")).to_have_text([WORDS])
    expect(page.locator(".comment.is-pending")).to_have_count(0)
    expect(kept).to_have_count(0)
    expect(page.get_by_role("button", name="Not saved")).to_be_hidden()


def test_of_two_descriptions_both_are_to_be_had_when_the_card_is_opened_again(
    visit: Visit, board: Board, task: dict[str, Any]
) -> None:
    page = open_task(visit(EDITOR), board, task)
    description(page).fill("Mine")
    answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"description": "Theirs"}), 200)
    note = page.get_by_role("alert")
    expect(note).to_contain_text("Olive Owner changed the description while you were editing: “Theirs”")
    page.get_by_role("button", name="Close task").click()
    reopen(page)
    expect(description(page)).to_have_value("Mine")
    expect(note).to_contain_text("“Theirs”")
    note.get_by_role("button", name="Save mine").click()
    expect(state(page)).to_have_text("Saved")
    assert board.snapshot()["tasks"][0]["description"] == "Mine"


def test_of_two_titles_written_apart_one_may_be_edited_on_top_of_the_other(
    visit: Visit, board: Board, task: dict[str, Any], network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 412")
    visitor = visit(EDITOR, proxy=network.for_context)
    page = open_task(visitor, board, task)
    with offline(visitor, network):
        title(page).fill("Mine")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Close task").click()
        answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"title": "Theirs"}), 200)
    page.get_by_role("button", name="Not saved (1)").click()
    expect(kept_in(page).get_by_role("group", name="Your words")).to_have_text("Mine")
    expect(kept_in(page).get_by_role("group", name="Their words")).to_have_text("Theirs")
    kept_in(page).get_by_role("button", name="Edit mine").click()
    expect(title(page)).to_have_value("Mine")
    title(page).fill("Mine and theirs")
    page.keyboard.press("Enter")
    expect(column(visitor, board.columns["To do"]).locator(".card-title")).to_have_text(["Mine and theirs"])
    expect(page.get_by_role("button", name="Not saved")).to_be_hidden()


def test_a_card_whose_column_is_gone_comes_back_whole_and_goes_elsewhere(
    visit: Visit, board: Board, network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 40[049]")
    visitor = visit(EDITOR, proxy=network.for_context)
    page = visitor.open_board(board.id)
    with offline(visitor, network):
        long = "A title of more than sixty characters, which no message should cut: " + "abc " * 20
        page.get_by_role("button", name="New task in Done").click()
        new_card(page).fill(long)
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")
        answered(board.owner.delete(f"/api/columns/{board.columns['Done']}/"), 204)
    toast_button(page, "Show").click()
    expect(kept_in(page)).to_contain_text("A new card was not saved: the column is no longer there.")
    expect(kept_in(page).get_by_role("group", name="Your words")).to_have_text(long.strip())
    kept_in(page).get_by_role("button", name="Add to “To do”").click()
    page.keyboard.press("Escape")
    expect(column(visitor, board.columns["To do"]).locator(".card-title")).to_have_text([long.strip()])
    assert "/tasks/" not in page.url


def test_an_edit_of_a_card_that_was_deleted_meanwhile_is_given_back(
    visit: Visit, board: Board, task: dict[str, Any], network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    visitor = visit(EDITOR, proxy=network.for_context)
    page = open_task(visitor, board, task)
    with offline(visitor, network):
        description(page).fill(WORDS)
        description(page).blur()
        page.get_by_role("button", name="Close task").click()
        answered(board.owner.delete(f"/api/tasks/{task['id']}/"), 204)
    page.get_by_role("button", name="Not saved (1)").click()
    expect(kept_in(page)).to_contain_text("was not saved: it is no longer there")
    expect(kept_in(page).get_by_role("group", name="Your words")).to_have_text(WORDS)


def test_saved_is_said_of_the_card_that_was_saved(visit: Visit, board: Board, task: dict[str, Any]) -> None:
    board.add_task("Another")
    page = open_task(visit(OWNER), board, task)
    asked = HeldRequests(page, f"**/api/tasks/{task['id']}/")
    title(page).fill("Plan B")
    page.keyboard.press("Enter")
    saving = asked.next()
    expect(state(page)).to_have_text("Saving…")
    saving.continue_()
    expect(state(page)).to_have_text("Saved")
    reopen(page, "Another")
    expect(title(page)).to_have_value("Another")
    expect(state(page)).to_have_text("")


def test_labels_that_two_people_add_apart_are_both_there(
    visit: Visit, board: Board, task: dict[str, Any], network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 412")
    visitor = visit(EDITOR, proxy=network.for_context)
    page = open_task(visitor, board, task)
    with offline(visitor, network):
        page.get_by_role("combobox", name="Add a label").fill("mine")
        page.keyboard.press("Enter")
        answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"labels": ["theirs"]}), 200)
    expect(page.locator(".chip")).to_have_text(["theirs", "mine"])
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(state(page)).to_have_text("Saved")
    assert board.snapshot()["tasks"][0]["labels"] == ["theirs", "mine"]
