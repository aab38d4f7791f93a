"""What a board is for: one person's change is in everybody's window at once, and in each once."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from realtime.attendance import NAMED
from tests.browser.hands import (
    ON_ONE_GATEWAY,
    Mouse,
    another_page,
    column,
    expect_badge,
    expect_cards,
    lower_part,
    record_events,
    status,
)
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.people import OWNER
from tests.support.processes import eventually
from tests.support.stack import Stack

pytestmark = pytest.mark.browser


def test_a_card_dragged_by_one_moves_for_the_other(board: Board, two_people: tuple[Visitor, Visitor]) -> None:
    task = board.add_task("Paint the fence")
    first, second = two_people
    for visitor in two_people:
        visitor.open_board(board.id, "Live")
    Mouse(first.page).drag(first.task(task["id"]), lower_part(column(first, board.columns["Done"])))
    for visitor in (first, second):
        expect_cards(visitor, board.columns["Done"], "Paint the fence")
        expect_cards(visitor, board.columns["To do"])
        expect_badge(visitor, "Live")
        assert status(visitor)["transport"] == "websocket"


@ON_ONE_GATEWAY
def test_the_others_see_who_is_here(board: Board, two_people: tuple[Visitor, Visitor]) -> None:
    for visitor in two_people:
        visitor.open_board(board.id)
    for visitor in two_people:
        expect(visitor.page.get_by_role("list", name="Here now: Edgar Editor, Olive Owner")).to_be_visible()


@ON_ONE_GATEWAY
def test_of_a_crowd_some_are_shown_and_the_others_counted(
    stack: Stack, visit: Callable[..., Visitor]
) -> None:
    public = Board(stack.api(OWNER), public=True)
    page = visit().open_board(public.id)
    crowd = [stack.socket_with(token) for token in stack.crowd(NAMED + 4)]
    for socket in crowd:
        socket.join(public.id)
    expect(page.get_by_role("img", name=f"and {NAMED + 2} more")).to_have_text(f"+{NAMED + 2}")
    expect(page.get_by_role("list", name=re.compile(rf"^Here now: .+ and {NAMED - 7} more$"))).to_be_visible()
    for socket in crowd:
        socket.close()
    expect(page.get_by_role("list", name=re.compile("^Here now: [^,]+$"))).to_be_visible()


@ON_ONE_GATEWAY
def test_two_pages_of_one_person_show_a_change_once_each(board: Board, visit: Callable[..., Visitor]) -> None:
    task = board.add_task("Only once")
    board.add_task("Stays")
    one = visit()
    other = another_page(one)
    for page in (one, other):
        page.open_board(board.id)
    heard = record_events(other)
    one.page.bring_to_front()
    Mouse(one.page).drag(one.task(task["id"]), lower_part(column(one, board.columns["Done"])))
    for page in (one, other):
        expect_cards(page, board.columns["Done"], "Only once")
        expect_cards(page, board.columns["To do"], "Stays")
    eventually(
        lambda: heard() == [board.seq], what="the event, in the page that knew of the change before it"
    )
