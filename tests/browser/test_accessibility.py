"""Every page in every dress: light and dark, desk and phone, as axe, a thumb and a narrow screen judge it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, SCHEMES, violations
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import OWNER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]
DESK = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
PHONE = {
    "viewport": {"width": 390, "height": 760},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
}
LEAST_TARGET_PX = 44
# Links inside a sentence and what is there for screen readers alone are no targets for a thumb. A target may
# be larger than its box, so a small one gets a second chance: whether touches around its middle reach it.
SMALL_TARGETS = """least => {
  const half = least / 2 - 1;
  const shown = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const box = (one) => (one.closest("label") ?? one).getBoundingClientRect();
  const reaches = (one) => {
    one.scrollIntoView({ block: "center" });
    const { left, top, width, height } = one.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const around = [[x - half, y], [x + half, y], [x, y - half], [x, y + half]];
    return around.every(([x, y]) => one.contains(document.elementFromPoint(x, y)));
  };
  return [...document.querySelectorAll("a, button, input, select, textarea, summary")]
    .filter((one) => shown(one) && !one.closest("[inert], p:not(.actions)") && box(one).bottom > 0)
    .filter((one) => Math.min(box(one).width, box(one).height) < least - 0.5 && !reaches(one))
    .map((one) => `${one.outerHTML.slice(0, 90)} ${box(one).width} x ${box(one).height}`);
}"""


def open_list(page: Page, board: Board) -> None:
    page.goto("/projects")
    expect(page.get_by_role("heading", name="Boards")).to_be_visible()


def search_list(page: Page, board: Board) -> None:
    page.goto("/projects")
    page.get_by_role("searchbox", name="Find a board by its name").fill("garden")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Show all boards")).to_be_visible()
    expect(page.get_by_role("link", name="Garden").first).to_be_visible()


def open_board(page: Page, board: Board) -> None:
    page.goto(f"/projects/{board.id}")
    expect(page.get_by_test_id("connection-badge")).to_have_text("Live")


def open_sheet(page: Page, board: Board) -> None:
    open_board(page, board)
    page.get_by_role("link", name="Water the plants").click()
    expect(page.locator(".comment-text")).to_have_text(["With rain water"])


def open_help(page: Page, board: Board) -> None:
    open_board(page, board)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def open_move_menu(page: Page, board: Board) -> None:
    open_board(page, board)
    page.get_by_role("link", name="Water the plants").hover()
    page.get_by_role("button", name="Actions for Water the plants").click()
    expect(page.get_by_role("menu")).to_be_visible()


def open_members(page: Page, board: Board) -> None:
    open_board(page, board)
    page.get_by_role("button", name="Board menu").click()
    page.get_by_role("menuitem", name="Members…").click()
    expect(page.get_by_role("dialog", name="Members")).to_contain_text("Edgar Editor")


def open_connection(page: Page, board: Board) -> None:
    open_board(page, board)
    page.get_by_test_id("connection-badge").click()
    expect(page.get_by_role("region", name="Connection")).to_be_visible()


def open_login(page: Page, board: Board) -> None:
    page.goto("/login")
    expect(page.get_by_label("Username")).to_be_visible()


def open_missing_board(page: Page, board: Board) -> None:
    page.goto("/projects/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("heading", name="There is no such board here")).to_be_visible()


def open_missing_page(page: Page, board: Board) -> None:
    page.goto("/no-such-page")
    expect(page.get_by_role("heading", level=1)).to_be_visible()


MEMBERS_PAGES = [
    open_list,
    search_list,
    open_board,
    open_sheet,
    open_help,
    open_move_menu,
    open_members,
    open_connection,
]
GUESTS_PAGES = [open_login, open_list, search_list, open_missing_board, open_missing_page]


@pytest.fixture
def garden(board: Board) -> Board:
    """A board on which everything that a card can show is shown."""
    owner = next(one["user"] for one in board.snapshot()["members"] if one["role"] == "owner")
    details = {"labels": ["garden", "soon"], "dueOn": "2020-01-31", "assignee": owner["id"]}
    task = board.add_task("Water the plants", **details)
    board.add_task("Mow the lawn", dueOn="2099-01-31", column=board.columns["Done"])
    answered(board.owner.post(f"/api/tasks/{task['id']}/comments/", {"text": "With rain water"}), 201)
    answered(board.owner.patch(f"{board.path}/", {"name": "Garden", "public": True}), 200)
    return board


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    "person, pages", [(OWNER, MEMBERS_PAGES), (None, GUESTS_PAGES)], ids=["member", "guest"]
)
def test_pages_are_accessible(
    garden: Board,
    visit: Callable[..., Visitor],
    complaints: Complaints,
    person: object,
    pages: list[Callable[[Page, Board], None]],
    device: dict[str, object],
) -> None:
    complaints.may_hold("status of 404")  # the browser's own line on the pages that are not there
    page = visit(person, **device).page
    found = []
    for open_page in pages:
        open_page(page, garden)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{open_page.__name__}, {scheme}: {one}" for one in violations(page, scheme)]
        if device is PHONE:
            found += [f"{open_page.__name__}: {one}" for one in unfit_for_a_phone(page)]
    assert not found, "\n".join(found)


def unfit_for_a_phone(page: Page) -> list[str]:
    wide = page.evaluate(
        "document.documentElement.scrollWidth > innerWidth || document.body.scrollWidth > innerWidth"
    )
    small: list[str] = page.evaluate(SMALL_TARGETS, LEAST_TARGET_PX)
    return [f"too small for a thumb: {one}" for one in small] + (["scrolls sideways"] if wide else [])
