"""What a person asked for and the server has not answered: sent in its order, once, by that person alone."""

import re

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import (
    ON_ONE_GATEWAY,
    HeldRequests,
    Mouse,
    another_page,
    column,
    expect_badge,
    expect_cards,
    lower_part,
)
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.network import Network
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]

TASKS = re.compile(r"/api/projects/[^/]+/tasks/$")


def add_cards(visitor: Visitor, column_id: str, *titles: str) -> None:
    column(visitor, column_id).get_by_role("button", name="New task in").click()
    box = visitor.page.get_by_role("textbox", name="Title of the new task")
    for title in titles:
        box.fill(title)
        box.press("Enter")
    box.press("Escape")


def titles(board: Board) -> list[str]:
    return [task["title"] for task in board.snapshot()["tasks"]]


@pytest.fixture
def here(stack: Stack, board: Board, windows: Windows, network: Network) -> Visitor:
    visitor = windows.open(stack, OWNER, proxy=network.for_context)
    visitor.open_board(board.id)
    return visitor


def test_cards_written_offline_come_in_the_order_in_which_they_were_written(
    board: Board, here: Visitor, network: Network
) -> None:
    steps = [f"step {number}" for number in range(1, 9)]
    network.cut()
    expect_badge(here, "Offline")
    add_cards(here, board.columns["To do"], *steps)
    expect_badge(here, "Offline (8 waiting)")
    network.mend()
    expect_badge(here, "Live", 30)
    eventually(lambda: titles(board) == steps, seconds=10)
    expect_cards(here, board.columns["To do"], *steps)


def test_what_waits_when_a_tab_is_closed_is_sent_on_the_next_visit(
    board: Board, here: Visitor, network: Network
) -> None:
    first, second = board.add_task("First"), board.add_task("Second")
    expect_cards(here, board.columns["To do"], "First", "Second")
    network.cut()
    expect_badge(here, "Offline")
    for task in (first, second):
        Mouse(here.page).drag(here.task(task["id"]), lower_part(column(here, board.columns["Done"])))
    add_cards(here, board.columns["Done"], "Third")
    expect_badge(here, "Offline (3 waiting)")
    here.page.close(run_before_unload=True)  # which would ask where something would be lost
    network.mend()
    here.page = here.open_page()
    here.open_board(board.id)
    expect_cards(here, board.columns["Done"], "First", "Second", "Third")
    eventually(lambda: titles(board) == ["First", "Second", "Third"])
    expect(here.page.locator(".is-pending")).to_have_count(0)


def test_a_change_of_a_new_card_survives_that_the_page_is_loaded_again(board: Board, here: Visitor) -> None:
    requests = HeldRequests(here.page, "**/api/tasks/*/")
    add_cards(here, board.columns["To do"], "Made just now")
    here.page.get_by_role("link", name="Made just now").click()
    here.page.get_by_role("textbox", name="Title", exact=True).fill("Renamed at once")
    here.page.get_by_role("textbox", name="Title", exact=True).press("Enter")
    requests.next()  # the change is on its way, and never arrives
    here.page.unroute_all()
    here.page.reload()
    expect(here.page.get_by_role("textbox", name="Title", exact=True)).to_have_value("Renamed at once")
    eventually(lambda: titles(board) == ["Renamed at once"])
    expect(here.page.locator(".is-pending")).to_have_count(0)
    assert here.page.evaluate("websocketService.getDetails().waiting") == 0


def test_a_card_has_its_address_and_keeps_a_comment_before_it_has_been_created(
    board: Board, here: Visitor, complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    requests = HeldRequests(here.page, TASKS)  # type: ignore[arg-type]
    add_cards(here, board.columns["To do"], "On its way")
    create = requests.next()
    here.page.get_by_role("link", name="On its way").click()
    comment = here.page.get_by_role("textbox", name="Write a comment")
    comment.fill("Half a")
    address = here.page.url
    create.continue_()
    eventually(lambda: titles(board) == ["On its way"])
    expect(here.page.locator(".is-pending")).to_have_count(0)
    expect(comment).to_have_value("Half a")
    comment.fill("A whole comment")
    comment.press("ControlOrMeta+Enter")
    expect(here.page.locator(".comment-text")).to_have_text(["A whole comment"])
    assert here.page.url == address
    assert address.endswith(f"/tasks/{board.snapshot()['tasks'][0]['id']}")


def test_a_card_that_the_server_does_not_have_yet_is_there_when_its_page_is_loaded_again(
    board: Board, here: Visitor, complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    requests = HeldRequests(here.page, TASKS)  # type: ignore[arg-type]
    add_cards(here, board.columns["To do"], "On its way")
    requests.next()
    here.page.get_by_role("link", name="On its way").click()
    here.page.unroute_all()
    here.page.reload()
    expect(here.page.get_by_role("textbox", name="Title", exact=True)).to_have_value("On its way")
    eventually(lambda: titles(board) == ["On its way"])


def test_an_address_of_no_task_shows_the_board_and_says_so(
    board: Board, here: Visitor, complaints: Complaints
) -> None:
    complaints.may_hold("status of 404")
    board.add_task("Something else")
    here.page.goto(f"/projects/{board.id}/tasks/00000000-0000-4000-8000-000000000000")
    expect(here.page.locator("#toasts")).to_contain_text("That task is not there.")
    expect_cards(here, board.columns["To do"], "Something else")
    expect(here.page).to_have_url(re.compile(f"/projects/{board.id}$"))


def test_two_tabs_of_one_person_send_one_queue(board: Board, here: Visitor, network: Network) -> None:
    other = another_page(here)
    other.open_board(board.id)
    network.cut()
    for visitor in (here, other):
        expect_badge(visitor, "Offline")
    done = board.columns["Done"]
    add_cards(here, done, "One")
    expect_cards(other, done, "One")  # what waits in one tab is seen in the other
    add_cards(other, done, "Two")
    expect_cards(here, done, "One", "Two")
    add_cards(here, done, "Three")
    expect_badge(other, "Offline (3 waiting)")
    network.mend()
    eventually(lambda: titles(board) == ["One", "Two", "Three"], seconds=30)
    for visitor in (here, other):
        expect_cards(visitor, done, "One", "Two", "Three")
        expect(visitor.page.locator(".is-pending")).to_have_count(0)


def test_words_that_were_refused_are_there_after_the_page_is_loaded_again_and_can_be_sent_again(
    board: Board, here: Visitor, complaints: Complaints
) -> None:
    complaints.may_hold("status of 403")
    add_cards(here, board.columns["To do"], "Kept")

    def refuse(route: Route) -> None:
        route.fulfill(
            status=403, content_type="application/problem+json", body='{"code": "forbidden", "detail": "No."}'
        )

    expect(here.page.locator(".is-pending")).to_have_count(0)
    here.page.route("**/api/tasks/*/", refuse)
    here.page.get_by_role("link", name="Kept").click()
    box = here.page.get_by_role("textbox", name="Description")
    box.fill("Three paragraphs")
    box.blur()
    expect(here.page.get_by_role("button", name="Not saved (1)")).to_be_visible()
    here.page.unroute_all()
    kept = "Object.entries(localStorage).filter(([name]) => name.startsWith('devmentor.unsaved'))"
    here.page.reload()
    expect_badge(here, "Live")
    assert "Three paragraphs" in here.page.evaluate(f"JSON.stringify({kept})")
