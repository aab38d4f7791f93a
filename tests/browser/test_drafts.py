"""What was typed and not sent is there again, whichever way one left it, until it is sent or thrown away."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, another_page, column, expect_badge
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.network import Network
from tests.support.people import EDITOR, OWNER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
Visit = Callable[..., Visitor]
WORDS = "Half a thought"


@pytest.fixture
def task(board: Board) -> dict[str, str]:
    return board.add_task("Plan", description="Before")


def open_task(visitor: Visitor, board: Board, task: dict[str, str]) -> Page:
    visitor.page.goto(f"/projects/{board.id}/tasks/{task['id']}")
    expect(title(visitor.page)).to_have_value("Plan")
    expect_badge(visitor, "Live")
    return visitor.page


def title(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Title", exact=True)


def description(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Description")


def comment(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Write a comment")


def new_card(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Title of the new task")


def reopen(page: Page, title: str = "Plan") -> None:
    page.get_by_role("link", name=title, exact=True).click()


def toast_button(page: Page, name: str) -> Locator:
    return page.locator("#toasts").get_by_role("button", name=name)


def make_viewer(board: Board) -> None:
    member = next(one for one in board.snapshot()["members"] if one["user"]["username"] == EDITOR.username)
    answered(board.owner.patch(f"/api/members/{member['id']}/", {"role": "viewer"}), 200)


def test_half_a_comment_is_there_when_the_card_is_opened_again(
    visit: Visit, board: Board, task: dict[str, str]
) -> None:
    board.add_task("Another")
    page = open_task(visit(OWNER), board, task)

    def leave(*, keys: str = "", card: str = "", button: str = "") -> None:
        comment(page).fill(WORDS)
        for key in keys.split():
            page.keyboard.press(key)
        if card:
            reopen(page, card)
            expect(comment(page)).to_have_value("")
        if button:
            page.get_by_role("button", name=button).click()
        if not card:
            expect(comment(page)).to_be_hidden()
        reopen(page)
        expect(comment(page)).to_have_value(WORDS)

    leave(keys="Escape Escape")  # out of the box, then out of the card
    leave(button="Close task")
    leave(card="Another")
    comment(page).fill(WORDS)
    page.go_back()
    page.reload()
    reopen(page)
    expect(comment(page)).to_have_value(WORDS)
    expect(page.locator(".comment-form .field-note")).to_contain_text("Not sent yet.")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".comment-text")).to_have_text([WORDS])
    page.reload()
    expect(page.locator(".comment-text")).to_have_text([WORDS])
    expect(comment(page)).to_have_value("")


def test_escape_leaves_the_description_and_keeps_what_was_typed(
    visit: Visit, board: Board, task: dict[str, str]
) -> None:
    page = open_task(visit(OWNER), board, task)
    description(page).fill("Three\n\nlong\n\nparagraphs")
    page.keyboard.press("Escape")
    note = page.locator(".field-note", has_text="Not saved yet.")
    expect(description(page)).to_have_value("Three\n\nlong\n\nparagraphs")
    expect(description(page)).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    reopen(page)
    expect(description(page)).to_have_value("Three\n\nlong\n\nparagraphs")
    note.get_by_role("button", name="Discard").click()
    expect(description(page)).to_have_value("Before")
    toast_button(page, "Undo").click()
    expect(description(page)).to_have_value("Three\n\nlong\n\nparagraphs")
    note.get_by_role("button", name="Save").click()
    expect(note).to_be_hidden()
    expect(page.locator(".sheet-state")).to_have_text("Saved")
    assert board.snapshot()["tasks"][0]["description"] == "Three\n\nlong\n\nparagraphs"


def test_a_new_card_keeps_its_words_through_escape_and_reload(visit: Visit, board: Board) -> None:
    visitor = visit(OWNER)
    page = visitor.open_board(board.id)
    add = page.get_by_role("button", name="New task in To do")
    page.keyboard.press("n")
    new_card(page).fill(WORDS)
    page.keyboard.press("Escape")
    expect(new_card(page)).to_be_hidden()
    add.click()
    expect(new_card(page)).to_have_value(WORDS)
    page.get_by_role("button", name="New task in Done").click()
    expect(new_card(page)).to_have_value("")  # another column's form
    page.reload()
    expect(page.locator(".column-add[data-draft]")).to_have_count(1)
    add.click()
    expect(new_card(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Cancel").click()
    add.click()
    expect(new_card(page)).to_have_value("")
    toast_button(page, "Undo").click()
    page.keyboard.press("Escape")
    add.click()
    expect(new_card(page)).to_have_value(WORDS)
    page.keyboard.press("Enter")
    expect(column(visitor, board.columns["To do"]).locator(".card-title")).to_have_text([WORDS])
    expect(new_card(page)).to_have_value("")


def test_a_comment_that_was_being_changed_goes_on_after_a_reload(
    visit: Visit, board: Board, task: dict[str, str]
) -> None:
    made = answered(board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": "First"}), 201)
    page = open_task(visit(OWNER), board, task)
    edited = page.get_by_role("textbox", name="Edit the comment")
    page.get_by_role("button", name="Edit", exact=True).click()
    edited.fill("First, and more")
    page.keyboard.press("Escape")
    expect(edited).to_have_value("First, and more")
    page.reload()
    expect(edited).to_have_value("First, and more")
    answered(board.owner.delete(f"/api/comments/{made['id']}/"), 204)
    kept = page.locator(".kept", has_text="The comment that you were changing was not saved")
    expect(kept.get_by_role("group", name="Your words")).to_have_text("First, and more")


def test_who_may_only_read_from_now_on_still_has_the_words_that_were_typed(
    visit: Visit, board: Board, task: dict[str, str]
) -> None:
    visitor = visit(EDITOR)
    page = open_task(visitor, board, task)
    comment(page).fill(WORDS)
    description(page).fill("Before and after")
    description(page).press("Escape")
    make_viewer(board)
    expect(page.get_by_role("button", name="Comment", exact=True)).to_be_hidden()
    expect(comment(page)).to_have_value(WORDS)
    expect(description(page)).to_have_value("Before and after")
    note = page.locator(".comment-form .field-note")
    expect(note).to_contain_text("You can no longer change the comment. What you typed is kept here.")
    expect(note.get_by_role("button", name="Copy")).to_be_visible()
    page.get_by_role("button", name="Close task").click()
    page.get_by_role("button", name="Not saved (2)").click()
    dialog = page.get_by_role("dialog", name="Not saved")
    expect(dialog).to_contain_text("A comment of “Plan” was not saved: you may only read this board by now.")
    expect(dialog.get_by_role("group", name="Your words")).to_contain_text(["Before and after", WORDS])


def test_a_board_that_is_deleted_meanwhile_gives_the_words_back(
    visit: Visit, board: Board, task: dict[str, str], complaints: Complaints
) -> None:
    complaints.may_hold("404")
    visitor = visit(EDITOR)
    page = open_task(visitor, board, task)
    comment(page).fill(WORDS)
    answered(board.owner.delete(f"{board.path}/"), 204)
    expect(page.locator("#notices")).to_contain_text("This board was deleted")
    expect(comment(page)).to_have_value(WORDS)
    page.get_by_role("button", name="Not saved (1)").click()
    expect(page.get_by_role("dialog", name="Not saved")).to_contain_text(WORDS)


def test_a_column_that_goes_gives_back_the_words_of_its_new_card(visit: Visit, board: Board) -> None:
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    page.get_by_role("button", name="New task in Done").click()
    new_card(page).fill(WORDS)
    answered(board.owner.delete(f"/api/columns/{board.columns['Done']}/"), 204)
    page.get_by_role("button", name="Not saved (1)").click()
    kept = page.get_by_role("dialog", name="Not saved").locator(".kept")
    expect(kept).to_contain_text("A new card was not saved: the column was deleted.")
    expect(kept.get_by_role("group", name="Your words")).to_have_text(WORDS)
    kept.get_by_role("button", name="Drop").click()
    expect(kept).to_have_count(0)
    toast_button(page, "Undo").click()
    expect(kept.get_by_role("group", name="Your words")).to_have_text(WORDS)


def test_cards_moved_offline_arrive_after_the_tab_was_closed(
    visit: Visit, board: Board, network: Network
) -> None:
    moved = [board.add_task(name)["id"] for name in ("One", "Two")]
    visitor = visit(OWNER, proxy=network.for_context)
    page = visitor.open_board(board.id)
    network.cut()
    expect_badge(visitor, "Offline")
    for name in ("One", "Two"):
        page.get_by_role("link", name=name).hover()
        page.get_by_role("button", name=f"Actions for {name}").click()
        page.get_by_role("menuitemradio", name="Done").click()
    expect_badge(visitor, "Offline (2 waiting)")
    page.close()
    network.mend()
    visitor.page = visitor.open_page()
    visitor.open_board(board.id)
    expect(column(visitor, board.columns["Done"]).locator(".card-title")).to_have_text(["One", "Two"])
    expect(visitor.page.locator(".is-pending")).to_have_count(0)
    assert [one["id"] for one in board.snapshot()["tasks"] if one["column"] == board.columns["Done"]] == moved


def test_drafts_are_their_authors_alone(visit: Visit, board: Board, task: dict[str, str]) -> None:
    visitor = visit(OWNER)
    page = open_task(visitor, board, task)
    comment(page).fill(WORDS)
    page.context.clear_cookies()
    visitor.log_in(EDITOR)
    page = open_task(visitor, board, task)
    expect(comment(page)).to_have_value("")
    page.context.clear_cookies()
    visitor.log_in(OWNER)
    page = open_task(visitor, board, task)
    expect(comment(page)).to_have_value(WORDS)


def test_two_windows_of_one_person_keep_both_what_they_hold(
    visit: Visit, board: Board, task: dict[str, str]
) -> None:
    visitor = visit(OWNER)
    first = open_task(visitor, board, task)
    second = open_task(another_page(visitor), board, task)
    comment(first).fill("From the first")
    comment(second).fill("From the second")
    comment(second).press("ControlOrMeta+Enter")
    expect(second.locator(".comment-text")).to_have_text(["From the second"])
    expect(comment(first)).to_have_value("From the first")
    first.reload()
    expect(comment(first)).to_have_value("From the first")


def test_names_that_were_typed_into_a_dialog_are_there_again(visit: Visit, board: Board) -> None:
    page = visit(OWNER).open_board(board.id)

    def open_dialog(*steps: str) -> None:
        page.get_by_role("button", name=steps[0]).click()
        for step in steps[1:]:
            page.get_by_role("menuitem", name=step).click()

    for steps, label in (
        (("Add column",), "Name"),
        (("Actions for the column Done", "Rename…"), "Name"),
        (("Board menu", "Rename…"), "Name"),
        (("Board menu", "Members…"), "Username"),
    ):
        box = page.get_by_role("dialog").get_by_label(label)
        open_dialog(*steps)
        box.fill(WORDS)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        open_dialog(*steps)
        expect(box).to_have_value(WORDS)
        page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("menuitem", name="Not saved and drafts…").click()
    expect(page.get_by_role("dialog", name="Not saved").locator(".kept")).to_have_count(4)
