"""Boxes of every kind: texts, dates, lists and labels, by keys, by an input method, by pasting."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, HeldRequests, column, expect_cards
from tests.browser.test_drafts import comment, description, new_card, open_task, title
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import OWNER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
Visit = Callable[..., Visitor]
# A key that ends a composition, as Chromium tells of it, and as Safari does after `compositionend`.
COMPOSED_KEY = """([key, during]) => {
  const box = document.activeElement;
  const composed = { key, keyCode: 229, isComposing: during };
  const event = new KeyboardEvent("keydown", { ...composed, bubbles: true, cancelable: true });
  if (!during) box.dispatchEvent(new CompositionEvent("compositionend", { data: "字", bubbles: true }));
  box.dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture
def task(board: Board) -> dict[str, Any]:
    return board.add_task("Plan", description="Before")


@pytest.fixture
def page(visit: Visit, board: Board, task: dict[str, Any]) -> Page:
    return open_task(visit(OWNER), board, task)


def due(page: Page) -> Locator:
    return page.get_by_label("Due")


def labels(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Add a label")


def saved(page: Page) -> None:
    expect(page.locator(".sheet-state")).to_have_text("Saved")


def changes(board: Board, since: int) -> list[Any]:
    return [one["data"] for one in board.events(since) if one["event"] == "task:updated"]


@pytest.mark.parametrize("during", [True, False], ids=["during", "safari"])
def test_keys_of_an_input_method_do_nothing_else(page: Page, board: Board, during: bool) -> None:
    def compose(box: Locator) -> None:
        words, before = "こんに", box.input_value()
        box.fill(words)
        for key in ("Escape", "Enter", ","):
            assert not page.evaluate(COMPOSED_KEY, [key, during])
        expect(box).to_be_focused()
        expect(box).to_have_value(words)
        box.fill(before)

    seq = board.seq
    for box in (title(page), description(page), comment(page), labels(page)):
        compose(box)
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    page.keyboard.press("n")
    compose(new_card(page))
    assert board.seq == seq


def test_a_date_is_saved_once_when_it_is_whole(page: Page, board: Board) -> None:
    seq = board.seq
    due(page).focus()
    page.keyboard.type("03152027")
    due(page).blur()
    saved(page)
    assert [one["dueOn"] for one in changes(board, seq)] == ["2027-03-15"]
    seq = board.seq
    due(page).focus()
    with page.expect_response(f"**/api/tasks/{board.snapshot()['tasks'][0]['id']}/"):  # after a pause
        for _ in range(5):
            page.keyboard.press("ArrowUp")  # of the month
    assert [one["dueOn"] for one in changes(board, seq)] == ["2027-08-15"]


def test_no_date_that_is_half_or_far_away_is_saved(page: Page, board: Board) -> None:
    due(page).fill("2027-03-15")
    page.keyboard.press("Enter")
    saved(page)
    seq = board.seq
    due(page).focus()
    page.keyboard.press("Backspace")  # the month
    due(page).blur()
    note = page.locator(".field-note:visible")
    expect(note).to_contain_text("Not saved: the date is not whole.")
    note.get_by_role("button", name="Discard").click()
    expect(due(page)).to_have_value("2027-03-15")
    due(page).focus()
    page.keyboard.type("03150202")
    due(page).blur()
    expect(note).to_contain_text("Not saved: the year 202 is not between 1900 and 2199.")
    assert board.seq == seq
    due(page).fill("")  # taken away on purpose
    page.keyboard.press("Enter")
    expect(page.locator(".is-pending")).to_have_count(0)
    expect(note).to_have_count(0)
    assert [one["dueOn"] for one in changes(board, seq)] == [None]


def test_a_choice_by_arrow_keys_is_one_change(visit: Visit, board: Board, task: dict[str, Any]) -> None:
    visitor = visit(OWNER)
    page = open_task(visitor, board, task)
    seq = board.seq
    assignee = page.get_by_label("Assignee")
    assignee.focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    saved(page)
    page.get_by_label("Column", exact=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect_cards(visitor, board.columns["Done"], "Plan")
    expect(page.locator(".is-pending")).to_have_count(0)
    expect(page.get_by_label("Column", exact=True)).to_have_value(board.columns["Done"])
    assert [one["event"] for one in board.events(seq)] == ["task:updated", "task:moved"]


def test_a_title_that_is_too_long_says_so_and_is_not_cut(page: Page, board: Board) -> None:
    seq = board.seq
    title(page).fill("x" * 190)
    expect(page.locator(".counter:visible")).to_have_text("10 characters left")
    title(page).fill("x" * 409)
    expect(page.locator(".counter:visible")).to_have_text("209 characters too many")
    page.keyboard.press("Enter")
    note = page.locator(".field-note:visible")
    expect(note).to_contain_text("Not saved: the title is 209 characters too long.")
    expect(title(page)).to_have_value("x" * 409)
    title(page).fill("\u200b")
    page.keyboard.press("Enter")
    expect(note).to_contain_text("Not saved: the title needs at least one character that can be seen.")
    assert board.seq == seq


def test_a_pasted_list_becomes_so_many_cards_or_one_with_a_description(visit: Visit, board: Board) -> None:
    visitor = visit(OWNER)
    page = visitor.open_board(board.id)
    todo = board.columns["To do"]
    lines = [f"Step {number}" for number in range(1, 13)]
    page.get_by_role("button", name="New task in To do").click()
    new_card(page).fill("\n".join(f"- {line}" for line in lines))
    page.get_by_role("button", name="Add 12 cards").click()
    expect_cards(visitor, todo, *lines)
    new_card(page).fill("A title\nand more\n\nof it")
    page.get_by_role("button", name="Add one card").click()
    expect(column(visitor, todo).locator(".card-title").last).to_have_text("A title")
    new_card(page).fill("x" * 409)
    page.keyboard.press("Enter")
    expect(page.locator(".composer .counter")).to_have_text("209 characters too many")
    expect(new_card(page)).to_have_value("x" * 409)
    expect(page.locator(".is-pending")).to_have_count(0)
    tasks = board.snapshot()["tasks"]
    assert [one["title"] for one in tasks] == [*lines, "A title"]
    assert tasks[-1]["description"] == "and more\n\nof it"


def test_looking_at_a_card_changes_nothing(visit: Visit, board: Board) -> None:
    task = board.add_task("Plan", description="a\r\nb\rc", labels=["One"])
    page = open_task(visit(OWNER), board, task)
    seq = board.seq
    for box in (description(page), title(page), due(page), page.get_by_label("Assignee"), labels(page)):
        box.focus()
        box.blur()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    expect(page.locator(".is-pending")).to_have_count(0)
    page.get_by_role("link", name="Plan").click()
    description(page).press_sequentially("!")
    page.keyboard.press("Backspace")
    page.get_by_role("button", name="Close task").click()
    assert board.seq == seq


def test_labels_that_look_alike_are_one_and_a_pasted_list_is_many(page: Page, board: Board) -> None:
    board.add_task("Another", labels=["Bug", "Café"])
    expect(page.locator("#known-labels option")).to_have_count(2)
    for label in ("bug", "BUG", "cafe\u0301"):
        labels(page).fill(label)
        page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_text(["Bug", "Café"])
    labels(page).press_sequentially("half a label")
    page.get_by_role("button", name="Close task").click()
    page.get_by_role("link", name="Plan").click()
    expect(page.locator(".chip")).to_have_text(["Bug", "Café"])
    expect(labels(page)).to_have_value("half a label")
    page.locator(".field-note", has_text="Not added yet.").get_by_role("button", name="Add").click()
    expect(page.locator(".chip")).to_have_text(["Bug", "Café", "half a label"])
    paste(labels(page), "a, b\nc")
    expect(page.locator(".chip")).to_have_text(["Bug", "Café", "half a label", "a", "b", "c"])
    labels(page).press_sequentially("d,e,")
    expect(page.locator(".chip")).to_have_count(8)
    labels(page).fill("x" * 41)
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(8)
    expect(labels(page)).to_have_value("x" * 41)
    expect(page.locator(".counter:visible")).to_have_text("1 character too many")
    saved(page)


def paste(box: Locator, text: str) -> None:
    box.evaluate(
        """(box, text) => {
          const clipboardData = new DataTransfer();
          clipboardData.setData("text/plain", text);
          box.focus();
          box.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_the_view_stays_where_it_is_while_a_long_description_grows(visit: Visit, board: Board) -> None:
    task = board.add_task("Plan", description="\n".join(f"Line {number}" for number in range(200)))
    page = open_task(visit(OWNER), board, task)
    expect(description(page)).to_have_value(task["description"])
    body = page.locator(".sheet-body")
    description(page).focus()
    description(page).evaluate("one => one.setSelectionRange(700, 700)")
    body.evaluate("one => { one.scrollTop = 1000; }")
    page.keyboard.type("x")
    page.wait_for_function("document.querySelector('.sheet-body').scrollTop > 1000")  # it shows the caret
    body.evaluate("one => { one.scrollTop += 200; }")
    before = body.evaluate("one => one.scrollTop")
    for key in ("y", "Enter", "z"):
        page.keyboard.press(key)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        assert body.evaluate("one => one.scrollTop") == before


def test_the_question_before_a_column_goes_follows_the_board(
    visit: Visit, board: Board, complaints: Complaints
) -> None:
    visitor = visit(OWNER)
    page = visitor.open_board(board.id)
    page.get_by_role("button", name="Actions for the column Done").click()
    page.get_by_role("menuitem", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("“Done” is empty.")
    board.add_task("Meanwhile", column=board.columns["Done"])
    expect(dialog.get_by_label("Where do its 1 task go?")).to_be_visible()
    answered(board.owner.patch(f"/api/columns/{board.columns['In progress']}/", {"name": "Doing"}), 200)
    dialog.get_by_role("combobox").select_option("Doing")
    dialog.get_by_role("button", name="Delete column").click()
    expect_cards(visitor, board.columns["In progress"], "Meanwhile")
    expect(column(visitor, board.columns["Done"])).to_have_count(0)


def test_a_member_is_added_once_however_often_the_button_is_pressed(visit: Visit, board: Board) -> None:
    answered(
        board.owner.delete(
            f"/api/members/{next(m['id'] for m in board.snapshot()['members'] if m['role'] == 'viewer')}/"
        ),
        204,
    )
    page = visit(OWNER).open_board(board.id)
    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("menuitem", name="Members…").click()
    dialog = page.get_by_role("dialog", name="Members")
    asked = HeldRequests(page, "**/members/")
    dialog.get_by_label("Username").fill("vera")
    dialog.get_by_role("button", name="Add member").dblclick()
    asked.next().continue_()
    expect(dialog.locator(".member")).to_have_count(3)
    expect(dialog.get_by_label("Username")).to_have_value("")
    expect(dialog.get_by_role("alert")).to_have_count(0)
    assert not asked.waiting


def test_sentences_of_the_api_are_for_programs(visit: Visit, board: Board, complaints: Complaints) -> None:
    complaints.may_hold("status of 4")
    page = visit(OWNER).open_board(board.id)
    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("menuitem", name="Members…").click()
    dialog = page.get_by_role("dialog", name="Members")
    dialog.get_by_label("Username").fill("nobody-of-this-name")
    dialog.get_by_role("button", name="Add member").click()
    expect(dialog.get_by_role("alert")).to_have_text("That did not work: nobody here has that username.")
    expect(dialog.get_by_label("Username")).to_have_value("nobody-of-this-name")
    dialog.get_by_label("Username").fill(OWNER.username)
    dialog.get_by_role("button", name="Add member").click()
    expect(dialog.get_by_role("alert")).to_have_text("That did not work: that person is a member already.")
