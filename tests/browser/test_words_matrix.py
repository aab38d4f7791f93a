"""Every box × every way to leave it × what may happen meanwhile: the words are on the board or given back.

Some of the cells are drawn for each run, all with `--every-cell`; `--cell-seed` draws the same ones again.
"""

import contextlib
import itertools
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from playwright.sync_api import Error, Page, Route, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY
from tests.browser.test_drafts import make_viewer, new_card, title
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR, OWNER
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
Way = Callable[[Any], None]
DRAWN = 6  # cells of each test
SHEET_BOXES = {
    "title": ("textbox", "Title"),
    "description": ("textbox", "Description"),
    "comment": ("textbox", "Write a comment"),
    "edited comment": ("textbox", "Edit the comment"),
    "label": ("combobox", "Add a label"),
}
DIALOGS = {
    "new column": ("Add column",),
    "column name": ("Actions for the column In progress", "Rename…"),
    "board name": ("Board menu", "Rename…"),
    "member": ("Board menu", "Members…"),
}


class Meanwhile:
    """What happens while words are in boxes: begins before they are typed, or comes before they are left."""

    def __init__(self, kind: str, page: Page, board: Board, task: dict[str, Any]) -> None:
        self.kind, self.page, self.board, self.task = kind, page, board, task
        self.went_with_it = ""  # what had been saved in a card that somebody else then deleted
        self._held: list[Route] = []

    def begin(self) -> None:
        if self.kind == "offline":
            self.page.context.set_offline(True)
        elif self.kind in ("slow", "refused"):
            self.page.route("**/api/**", self._answer)

    def strike(self) -> None:
        if self.kind == "rights lost":
            make_viewer(self.board)
            expect(self.page.locator("#reading-only")).to_be_visible()
        elif self.kind == "deleted":
            answered(self.board.owner.delete(f"/api/tasks/{self.task['id']}/"), 204)
            self.went_with_it = str(self.board.events())
            answered(self.board.owner.delete(f"/api/columns/{self.board.columns['Done']}/"), 204)
            expect(self.page.locator("[data-column-id]")).to_have_count(2)

    def end(self) -> None:
        self.page.context.set_offline(False)
        for route in self._held:
            with contextlib.suppress(Error):  # its page may be gone
                route.continue_()
        if not self.page.is_closed():
            self.page.unroute("**/api/**")

    def _answer(self, route: Route) -> None:
        if route.request.method == "GET":
            route.continue_()
        elif self.kind == "slow":
            self._held.append(route)
        else:
            route.fulfill(status=403, json={"status": 403, "code": "forbidden", "detail": "no"})


MEANWHILE = ("online", "offline", "slow", "refused", "rights lost", "deleted")


def leave_by_escape(visitor: Visitor) -> None:
    for _ in range(4):
        visitor.page.keyboard.press("Escape")


def leave_by_button(visitor: Visitor) -> None:
    close = visitor.page.get_by_role("button", name="Close task")
    if close.is_visible():
        close.click()


def leave_by_going_back(visitor: Visitor) -> None:
    visitor.page.go_back()


def leave_for_another_card(visitor: Visitor) -> None:
    visitor.page.get_by_role("link", name="Another").click()
    expect(title(visitor.page)).to_have_value("Another")


def leave_by_reload(visitor: Visitor) -> None:
    visitor.page.context.set_offline(False)
    visitor.page.reload()


def leave_by_closing(visitor: Visitor) -> None:
    visitor.page.close()


LEAVE = (
    leave_by_escape,
    leave_by_button,
    leave_by_going_back,
    leave_for_another_card,
    leave_by_reload,
    leave_by_closing,
)


class Cells:
    """Those that a run tries, and what else it leaves to chance."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        given = request.config.getoption("--cell-seed")
        self.seed = random.randrange(10**6) if given is None else given
        self.chance = random.Random(self.seed)
        self.every = request.config.getoption("--every-cell")

    def of(self, kinds: Sequence[str], ways: Sequence[Way]) -> list[tuple[str, Way]]:
        cells = list(itertools.product(kinds, ways))
        return cells if self.every else self.chance.sample(cells, DRAWN)

    def check(self, words: dict[str, str], found: str, cell: str) -> None:
        lost = {box: text for box, text in words.items() if text not in found}
        assert not lost, f"{cell}, --cell-seed {self.seed}: {lost} not in {found}"


@pytest.fixture
def cells(request: pytest.FixtureRequest) -> Cells:
    return Cells(request)


@pytest.fixture
def editor(stack: Stack, visit: Callable[..., Visitor], complaints: Complaints) -> Visitor:
    complaints.may_hold("net::ERR_", "status of 40[0349]", "WebSocket connection to")
    return visit(EDITOR)


@pytest.mark.timeout(900)
def test_words_of_every_box_are_saved_or_given_back(stack: Stack, editor: Visitor, cells: Cells) -> None:
    for kind, leave in cells.of(MEANWHILE, LEAVE):
        board = Board(stack.api(OWNER))
        task = board.add_task("Plan", description="Before")
        board.add_task("Another")
        answered(stack.api(EDITOR).post(f"/api/tasks/{task['id']}/comments/", {"text": "First"}), 201)
        page = fresh_page(editor)
        meanwhile = Meanwhile(kind, page, board, task)
        open_card(page, board)
        meanwhile.begin()
        words = fill_all(page, cells.chance)
        meanwhile.strike()
        leave(editor)
        meanwhile.end()
        found = given_back(editor, board) + saved(board, task["id"]) + meanwhile.went_with_it
        cells.check(words, found, f"{kind}, {leave.__name__}")


def fresh_page(visitor: Visitor) -> Page:
    if visitor.page.is_closed():
        visitor.page = visitor.open_page()
    return visitor.page


def open_card(page: Page, board: Board) -> None:
    page.goto(f"/projects/{board.id}")
    expect(page.get_by_test_id("connection-badge")).to_contain_text("Live")
    page.get_by_role("link", name="Plan").click()
    page.get_by_role("button", name="Edit", exact=True).click()


def fill_all(page: Page, chance: random.Random) -> dict[str, str]:
    """Each box with words of its own, in any order: some are left for the next one before all are."""
    words = {box: f"words of the {box}" for box in ("new card", *SHEET_BOXES)}
    for box in chance.sample(list(words), len(words)):
        if box == "new card":
            page.get_by_role("button", name="New task in Done").click()
            new_card(page).fill(words[box])
        else:
            role, name = SHEET_BOXES[box]
            page.get_by_role(role, name=name, exact=True).fill(words[box])  # type: ignore[arg-type]
    return words


def given_back(visitor: Visitor, board: Board) -> str:
    """What a person finds on coming back, once whatever waited has been sent."""
    page = fresh_page(visitor)
    page.goto(f"/projects/{board.id}")
    expect(page.get_by_test_id("connection-badge")).to_have_text("Live")
    page.get_by_role("button", name="Board menu").click()
    kept = page.get_by_role("menuitem", name="Not saved and drafts…")
    if not kept.count():
        return ""
    kept.click()
    found = page.get_by_role("dialog", name="Not saved").locator(".kept-words").all_inner_texts()
    return "\n".join(found)


def saved(board: Board, task_id: str) -> str:
    """All words that the server has."""
    comments = board.owner.get(f"/api/tasks/{task_id}/comments/")
    return str(board.snapshot()) + comments.text


def close_dialog_by_escape(page: Page) -> None:
    page.keyboard.press("Escape")


def close_dialog_by_button(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def close_dialog_from_outside(page: Page) -> None:
    page.mouse.click(5, 300)


def reload_under_a_dialog(page: Page) -> None:
    page.context.set_offline(False)
    page.reload()


def send_from_dialog(page: Page) -> None:
    page.get_by_role("dialog").locator("button[type=submit]").click()


LEAVE_DIALOG = (
    close_dialog_by_escape,
    close_dialog_by_button,
    close_dialog_from_outside,
    reload_under_a_dialog,
    send_from_dialog,
)


@pytest.mark.timeout(900)
def test_words_in_every_dialog_are_saved_or_given_back(
    stack: Stack,
    visit: Callable[..., Visitor],
    complaints: Complaints,
    cells: Cells,
) -> None:
    complaints.may_hold("net::ERR_", "status of 40[0349]", "WebSocket connection to")
    visitor = visit(OWNER)
    for kind, leave in cells.of(MEANWHILE[:4], LEAVE_DIALOG):
        board = Board(stack.api(OWNER))
        visitor.open_board(board.id)
        page = visitor.page
        meanwhile = Meanwhile(kind, page, board, {})
        words = {box: f"words of the {box}" for box in DIALOGS}
        for box, (button, *items) in DIALOGS.items():
            page.get_by_role("button", name=button, exact=True).click()
            for item in items:
                page.get_by_role("menuitem", name=item).click()
            page.get_by_role("dialog").locator("input").first.fill(words[box])
            meanwhile.begin()
            leave(page)
            meanwhile.end()
            if page.get_by_role("dialog").count():  # not taken: it is still open
                page.keyboard.press("Escape")
        found = given_back(visitor, board) + str(board.snapshot())
        cells.check(words, found, f"{kind}, {leave.__name__}")
