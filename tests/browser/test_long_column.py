"""A column longer than the screen: the browser leaves out what cannot be seen, and nobody notices."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.hands import ON_ONE_GATEWAY, Mouse, column, expect_cards, middle
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import EDITOR

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
MANY = 45
TITLES = [f"Task {number}" for number in range(MANY)]
FOCUSED = "document.activeElement.closest('[data-task-id]')?.querySelector('.card-title').textContent"
IN_VIEW = """() => {
  const card = document.activeElement.getBoundingClientRect();
  const around = document.activeElement.closest(".column-scroll").getBoundingClientRect();
  return card.top >= around.top && card.bottom <= around.bottom;
}"""


@pytest.fixture
def tasks(board: Board) -> list[str]:
    return [board.add_task(title)["id"] for title in TITLES]


def spoken(page: Page) -> list[str]:
    """The names of all links, as the browser hands them to screen readers."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    links = [node for node in nodes if not node["ignored"] and node["role"]["value"] == "link"]
    return [node["name"]["value"].strip() for node in links]


def test_readers_are_told_of_what_is_off_the_screen(
    board: Board, tasks: list[str], visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    page = visitor.open_board(board.id)
    expect_cards(visitor, board.columns["To do"], *TITLES)
    expect(visitor.task(tasks[-1])).not_to_be_in_viewport()
    assert [name for name in spoken(page) if name.startswith("Task")] == TITLES
    expect(column(visitor, board.columns["To do"]).get_by_role("listitem")).to_have_count(MANY)


def test_arrows_walk_the_whole_column_and_what_has_the_focus_is_seen(
    board: Board, tasks: list[str], visit: Callable[..., Visitor]
) -> None:
    other = board.add_task("Beside them", column=board.columns["Done"])
    visitor = visit()
    page = visitor.open_board(board.id)
    visitor.task(tasks[0]).locator("a").focus()
    for title in TITLES[1:]:
        page.keyboard.press("ArrowDown")
        assert page.evaluate(FOCUSED) == title
        assert page.evaluate(IN_VIEW), title
    page.keyboard.press("ArrowDown")
    assert page.evaluate(FOCUSED) == TITLES[-1]
    page.keyboard.press("ArrowRight")
    expect(visitor.task(other["id"]).locator("a")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(IN_VIEW)
    expect(page.locator("[data-task-id] a[tabindex='0']")).to_have_count(1)


def test_a_card_is_dropped_where_the_line_is_however_far_one_has_scrolled(
    board: Board, tasks: list[str], visit: Callable[..., Visitor]
) -> None:
    visitor = visit(EDITOR)
    visitor.open_board(board.id)
    visitor.task(tasks[30]).scroll_into_view_if_needed()
    first = next(number for number in range(25, MANY) if is_in_view(visitor, tasks[number]))
    x, y = middle(visitor.task(tasks[first + 5]))
    Mouse(visitor.page).drag(visitor.task(tasks[first + 1]), (x, y + 10))
    order = TITLES[:]
    order.insert(first + 5, order.pop(first + 1))
    expect_cards(visitor, board.columns["To do"], *order)
    expect(visitor.page.locator(".is-pending")).to_have_count(0)
    assert [task["title"] for task in board.snapshot()["tasks"]] == order


def test_what_moves_past_a_card_does_not_take_its_focus_for_a_moment(
    board: Board, tasks: list[str], visit: Callable[..., Visitor]
) -> None:
    """Else a screen reader would read the card again each time that anybody moves anything."""
    visitor = visit(EDITOR)
    page = visitor.open_board(board.id)
    page.evaluate("window.lost = 0; document.addEventListener('focusout', () => (window.lost += 1))")
    visitor.task(tasks[20]).locator("a").focus()
    move = {"column": board.columns["To do"], "after": None}
    for task in (tasks[40], tasks[41], tasks[30]):
        answered(board.owner.post(f"/api/tasks/{task}/move/", move), 200)
    down = {"column": board.columns["To do"], "after": tasks[44]}
    answered(board.owner.post(f"/api/tasks/{tasks[2]}/move/", down), 200)
    order = [TITLES[30], TITLES[41], TITLES[40]]
    order += [title for title in TITLES if title not in (*order, TITLES[2])]
    expect_cards(visitor, board.columns["To do"], *order, TITLES[2])
    expect(visitor.task(tasks[20]).locator("a")).to_be_focused()
    assert page.evaluate("window.lost") == 0


def is_in_view(visitor: Visitor, task: str) -> bool:
    box = visitor.task(task).bounding_box()
    around = visitor.page.locator(".column-scroll").first.bounding_box()
    assert box
    assert around
    return box["y"] >= around["y"] and box["y"] + box["height"] <= around["y"] + around["height"]
