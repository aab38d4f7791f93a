"""Texts as they were written: in their own direction, none cut for good, on paper and on small screens."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.hands import ON_ONE_GATEWAY, column
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR, VIEWER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
HEBREW = "תיקון (abc)!"
LONG = "A column with a name of so many signs that no column is wide enough for all of it"
FITS = """({ scrollHeight, clientHeight, scrollWidth, clientWidth }) =>
    scrollHeight <= clientHeight + 1 && scrollWidth <= clientWidth + 1"""
IN_SIGHT = "element => element.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true })"
SIGN_IS_LEFT = """element => {
    const range = document.createRange(), text = element.firstChild;
    const at = (index) => {
        range.setStart(text, index);
        range.setEnd(text, index + 1);
        return range.getBoundingClientRect().left;
    };
    return at(text.length - 1) < at(0);
}"""


def test_what_is_written_from_right_to_left_is_shown_so(board: Board, visit: Callable[..., Visitor]) -> None:
    answered(board.owner.patch(f"{board.path}/", {"name": HEBREW}), 200)
    answered(board.owner.patch(f"/api/columns/{board.columns['To do']}/", {"name": HEBREW}), 200)
    task = board.add_task(HEBREW, description=HEBREW, labels=[HEBREW])
    answered(board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": HEBREW}), 201)
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    visitor.task(task["id"]).click()
    expect(page.locator(".comment-text")).to_have_text(HEBREW)
    for place in ("#board-name", ".column-name >> nth=0", ".card-title", ".comment-text"):
        assert page.locator(place).evaluate(SIGN_IS_LEFT), place
    for box in ("#sheet-title", "#sheet-description", "#filter", ".comment-form textarea"):
        plain = page.locator(box).evaluate("element => getComputedStyle(element).unicodeBidi")
        assert plain == "plaintext" or page.locator(box).get_attribute("dir") == "auto", box
    # Within sentences of ours: between a first strong isolate and its end.
    isolated = f"\u2068{HEBREW}\u2069"
    expect(page.get_by_role("button", name=f"Actions for {isolated}", exact=True)).to_have_count(1)
    answered(board.owner.patch(f"/api/tasks/{task['id']}/", {"dueOn": "2031-01-05"}), 200)
    expect(page.locator("#announcements")).to_contain_text(f"changed “{isolated}”")


def test_on_paper_all_columns_and_cards_are_there(board: Board, visit: Callable[..., Visitor]) -> None:
    for number in range(4):
        answered(board.owner.post(f"{board.path}/columns/", {"name": f"Column {number}"}), 201)
    columns = [one["id"] for one in board.snapshot()["columns"]]
    for number in range(42):
        board.add_task(f"Task {number}", column=columns[number % len(columns)], labels=["urgent"])
    for number in range(30):
        board.add_task(f"One of many {number}")
    visitor = visit(EDITOR, viewport={"width": 900, "height": 500})
    page = visitor.open_board(board.id)
    page.emulate_media(media="print")
    cards = page.locator(".card")
    expect(cards).to_have_count(72)
    assert all(card.evaluate(IN_SIGHT) for card in cards.all()[::9])
    assert not clipped(page.locator(".card-title")), "cut off by what is around it"
    width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]
    expect(page.locator(".label-dot").first).to_have_text(re.compile("urgent"))
    for chrome in (".board-bar button", "#filter", ".column-add", ".column-tail", "#column-tabs"):
        expect(page.locator(chrome).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Column 3")).to_be_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) > 1


def clipped(places: Locator) -> list[str]:
    """Texts of which a part lies outside of something around it that clips."""
    found: list[str] = places.evaluate_all(
        """elements => elements.filter((element) => {
            const box = element.getBoundingClientRect();
            for (let around = element.parentElement; around; around = around.parentElement) {
                if (getComputedStyle(around).overflowY === "visible") continue;
                const window = around.getBoundingClientRect();
                if (box.bottom > window.bottom + 1 || box.right > window.right + 1) return true;
            }
            return box.height === 0;
        }).map((element) => element.textContent)"""
    )
    return found


@pytest.mark.parametrize("width", [390, 1440])
def test_a_long_name_can_be_read_whole(board: Board, visit: Callable[..., Visitor], width: int) -> None:
    answered(board.owner.patch(f"/api/columns/{board.columns['To do']}/", {"name": LONG}), 200)
    answered(board.owner.patch(f"{board.path}/", {"name": f"{LONG}, and a board"}), 200)
    visitor = visit(EDITOR, viewport={"width": width, "height": 760})
    page = visitor.open_board(board.id)
    name = column(visitor, board.columns["To do"]).locator(".column-name")
    assert name.evaluate(FITS)
    heading = page.get_by_role("heading", name=f"{LONG}, and a board")
    heading.click()  # or a tap, or Tab
    assert heading.evaluate(FITS)


def test_at_four_hundred_percent_the_page_scrolls_and_cards_can_be_read(
    board: Board, visit: Callable[..., Visitor]
) -> None:
    tasks = [board.add_task(f"A task with quite a few words in it, number {number}") for number in range(6)]
    visitor = visit(EDITOR, viewport={"width": 320, "height": 256})
    page = visitor.open_board(board.id)
    last = visitor.task(tasks[-1]["id"])
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport(ratio=0.9)
    assert page.evaluate("scrollY") > 200
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    last.click()
    expect(page.get_by_label("Title")).to_be_visible()


def test_who_has_left_is_still_named_on_their_cards(board: Board, visit: Callable[..., Visitor]) -> None:
    member = next(one for one in board.snapshot()["members"] if one["user"]["username"] == VIEWER.username)
    task = board.add_task("Of Vera's", assignee=member["user"]["id"])
    answered(board.owner.delete(f"/api/members/{member['id']}/"), 204)
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    expect(visitor.task(task["id"]).get_by_role("img", name="Assigned to Vera Viewer")).to_be_visible()
    page.get_by_role("searchbox").fill("@vera")
    expect(visitor.task(task["id"])).to_be_visible()
    visitor.task(task["id"]).click()
    chosen = page.get_by_label("Assignee").locator("option:checked")
    expect(chosen).to_have_text("Vera Viewer (former member)")
