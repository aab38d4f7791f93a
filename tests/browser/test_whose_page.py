"""A page is one person's: who logs in or out in another tab does nothing under its name, and it says so."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, Mouse, column, expect_badge, expect_cards, lower_part, middle
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.network import Network
from tests.support.people import EDITOR, OWNER, Person
from tests.support.processes import eventually
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]

NEW_PERSON = """
from projects.models import User
User.objects.create_user({username!r}, password={password!r}, first_name="Ada", last_name="Lovelace")
"""
DISABLED = "from projects.models import User; User.objects.filter(username={0!r}).update(is_active=False)"
NEW_PASSWORD = """
from projects.models import User
user = User.objects.get(username={0!r})
user.set_password("another long pass phrase")
user.save()
"""
LOST = "You can no longer see this board"


@dataclass
class Browser:
    """One browser of Edgar's, by a log-in of its own: a board in the one tab, and another tab beside it."""

    visitor: Visitor
    tab: Page

    @property
    def page(self) -> Page:
        return self.visitor.page

    def log_out(self) -> None:
        self.tab.goto("/projects")
        self.tab.get_by_role("button", name="Log out", exact=True).click()
        self.tab.wait_for_url("**/login")

    def log_in(self, person: Person) -> None:
        self.tab.goto("/login")
        self.tab.get_by_label("Username").fill(person.username)
        self.tab.get_by_label("Password").fill(person.password)
        self.tab.get_by_role("button", name="Log in").click()
        self.tab.wait_for_url("**/projects")


@pytest.fixture
def browser(stack: Stack, windows: Windows, complaints: Complaints) -> Iterator[Browser]:
    complaints.may_hold("status of 40[149]")
    stack.sessions.pop(EDITOR.username, None)
    visitor = windows.open(stack, EDITOR)
    yield Browser(visitor, visitor.open_page())
    stack.sessions.pop(EDITOR.username, None)


@pytest.fixture
def ada(stack: Stack, board: Board) -> Person:
    """An editor whom no other test knows."""
    person = Person(f"ada-{board.id[:8]}", "Ada Lovelace")
    stack.python(NEW_PERSON.format(username=person.username, password=person.password))
    answered(board.owner.post(f"{board.path}/members/", {"username": person.username, "role": "editor"}), 201)
    return person


def expect_notice(page: Page, words: str) -> None:
    expect(page.locator("[data-notice=log-in]")).to_contain_text(words)
    expect(page.locator("#notices")).not_to_contain_text(LOST)


def expect_none(page: Page) -> None:
    expect(page.locator("[data-notice]")).to_have_count(0)


def test_nothing_is_written_under_the_name_of_whoever_logs_in_in_another_tab(
    board: Board, browser: Browser
) -> None:
    task = board.add_task("Edgar's to move")
    page = browser.visitor.open_board(board.id)
    browser.visitor.task(task["id"]).click()
    page.get_by_label("Write a comment").fill("Words of Edgar's")
    seq = board.seq
    browser.log_out()
    browser.log_in(OWNER)
    expect_notice(
        page,
        "You are logged in as Olive Owner in another tab"
        "This board was opened as Edgar Editor: log in as Edgar Editor again, "
        "or reload to go on as Olive Owner.",
    )
    expect(page.get_by_role("button", name="Comment", exact=True)).to_be_hidden()
    page.bring_to_front()
    mouse = Mouse(page)
    mouse.press(middle(browser.visitor.task(task["id"])))
    mouse.move(lower_part(column(browser.visitor, board.columns["Done"])))
    expect(page.locator(".is-ghost")).to_have_count(0)
    mouse.let_go()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.locator(".composer")).to_have_count(0)
    assert board.seq == seq
    browser.log_out()
    browser.log_in(EDITOR)
    expect_none(page)
    expect_badge(browser.visitor, "Live")
    page.bring_to_front()
    mouse.drag(browser.visitor.task(task["id"]), lower_part(column(browser.visitor, board.columns["Done"])))
    eventually(lambda: board.seq > seq, what="the move")
    assert [event["actor"]["name"] for event in board.events(seq)] == ["Edgar Editor"]


def test_what_waits_is_kept_for_its_own_person_and_sent_when_they_are_back(
    board: Board, browser: Browser, complaints: Complaints
) -> None:
    complaints.may_hold("net::ERR_")
    task = board.add_task("Waits")
    page = browser.visitor.open_board(board.id)
    page.bring_to_front()  # a page that another one comes before lets go of a card
    page.route("**/move/", lambda route: route.abort())
    Mouse(page).drag(
        browser.visitor.task(task["id"]), lower_part(column(browser.visitor, board.columns["Done"]))
    )
    expect_cards(browser.visitor, board.columns["Done"], "Waits")
    browser.log_out()
    expect_notice(page, "You are logged out")
    expect_notice(
        page, "One change is not sent yet, and kept in this browser until Edgar Editor is logged in again."
    )
    browser.log_in(OWNER)
    expect_notice(page, "You are logged in as Olive Owner in another tab")
    page.unroute("**/move/")
    page.evaluate("dispatchEvent(new Event('online'))")  # it is tried, and refused
    expect_notice(
        page, "One change is not sent yet, and kept in this browser until Edgar Editor is logged in again."
    )
    assert board.snapshot()["tasks"][0]["column"] == board.columns["To do"]
    browser.log_out()
    browser.log_in(EDITOR)
    expect_none(page)
    expect(page.locator(".is-pending")).to_have_count(0)
    assert board.events()[-1]["actor"]["name"] == "Edgar Editor"
    assert board.snapshot()["tasks"][0]["column"] == board.columns["Done"]


def test_who_is_only_logged_out_is_not_told_that_the_board_is_gone(board: Board, browser: Browser) -> None:
    page = browser.visitor.open_board(board.id)
    browser.log_out()
    expect_notice(page, "You are logged out")
    board.add_task("Not for guests")
    page.wait_for_function("!websocketService.getConnectionStatus().rooms.length")
    page.evaluate("websocketService.retryNow()")
    expect_notice(page, "You are logged out")
    expect_cards(browser.visitor, board.columns["To do"])
    browser.log_in(EDITOR)
    expect_none(page)
    expect_badge(browser.visitor, "Live")
    expect_cards(browser.visitor, board.columns["To do"], "Not for guests")
    expect(page.get_by_role("button", name="New task in To do")).to_be_visible()


def test_without_the_sessions_cookie_a_card_says_why_nothing_can_be_read(
    board: Board, browser: Browser
) -> None:
    task = board.add_task("Opened", description="x" * 3000)
    page = browser.visitor.open_board(board.id)
    cookies = browser.visitor.context.cookies()
    browser.visitor.context.clear_cookies(name="sessionid")
    browser.visitor.task(task["id"]).click()
    sheet = page.locator("#sheet")
    expect(sheet).to_contain_text("The comments could not be read: you are logged out.")
    expect(sheet).to_contain_text("The rest of the description could not be read: you are logged out.")
    expect(sheet.get_by_role("link", name="Log in again").first).to_be_visible()
    expect_notice(page, "You are logged out")
    browser.visitor.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect_none(page)
    expect(sheet).to_contain_text("No comments yet.")
    expect(page.get_by_label("Description")).to_have_value("x" * 3000)


@pytest.mark.parametrize("change", [DISABLED, NEW_PASSWORD], ids=["disabled", "new password"])
def test_who_may_no_longer_log_in_is_told_so(
    stack: Stack, board: Board, windows: Windows, ada: Person, complaints: Complaints, change: str
) -> None:
    complaints.may_hold("status of 40[14]")
    visitor = windows.open(stack, ada)
    page = visitor.open_board(board.id)
    assert stack.python(change.format(ada.username)).status == 0
    expect_notice(page, "You are logged out")
    expect(page.get_by_role("button", name="New task in To do")).to_be_hidden()
    stack.sessions.pop(ada.username, None)


def test_another_browser_of_the_same_person_goes_on(
    stack: Stack, board: Board, browser: Browser, windows: Windows
) -> None:
    browser.visitor.open_board(board.id)
    stack.sessions.pop(EDITOR.username, None)
    other = windows.open(stack, EDITOR)
    other.open_board(board.id)
    browser.log_out()
    expect_notice(browser.page, "You are logged out")
    board.add_task("Seen there")
    expect_cards(other, board.columns["To do"], "Seen there")
    expect_none(other.page)
    expect_badge(other, "Live")


def test_a_board_that_polls_stops_with_its_log_in_and_goes_on_with_it(
    stack: Stack, board: Board, windows: Windows, network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 40[149]")
    network.sockets = False
    stack.sessions.pop(EDITOR.username, None)
    visitor = windows.open(stack, EDITOR, proxy=network.for_context)
    stack.sessions.pop(EDITOR.username, None)
    page = visitor.open_board(board.id, "Polling")
    browser = Browser(visitor, visitor.open_page())
    browser.log_out()
    expect_notice(page, "You are logged out")
    board.add_task("Not for guests")
    page.evaluate("websocketService.retryNow()")
    expect_cards(visitor, board.columns["To do"])
    browser.log_in(EDITOR)
    expect_none(page)
    expect_badge(visitor, "Polling")
    expect_cards(visitor, board.columns["To do"], "Not for guests")


def test_a_guests_page_says_who_has_logged_in_meanwhile(stack: Stack, browser: Browser) -> None:
    board = Board(stack.api(OWNER), public=True)
    browser.log_out()
    page = browser.visitor.open_board(board.id)
    browser.log_in(EDITOR)
    expect_notice(page, "This board was opened without a log-in: reload to go on as Edgar Editor.")
    page.get_by_role("button", name="Reload as Edgar Editor").click()
    expect(page.get_by_role("button", name="New task in To do")).to_be_visible()


def test_one_click_logs_the_pages_own_person_in_again(board: Board, browser: Browser) -> None:
    page = browser.visitor.open_board(board.id)
    browser.log_out()
    browser.log_in(OWNER)
    page.get_by_role("button", name="Log in as Edgar Editor").click()
    page.wait_for_url("**/login?next=*")
    page.get_by_label("Username").fill(EDITOR.username)
    page.get_by_label("Password").fill(EDITOR.password)
    page.get_by_role("button", name="Log in").click()
    expect_badge(browser.visitor, "Live")
    assert page.url.endswith(f"/projects/{board.id}")
