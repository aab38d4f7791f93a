"""Changes that the server refuses: only they go back, and a sentence says why."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Complaints
from tests.browser.hands import (
    ON_ONE_GATEWAY,
    Mouse,
    column,
    expect_badge,
    expect_cards,
    lower_part,
)
from tests.support.api import answered
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.network import Network
from tests.support.people import EDITOR
from tests.support.stack import Stack

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]


@pytest.fixture
def editor(stack: Stack, board: Board, windows: Windows, network: Network) -> Visitor:
    """Behind a network that hides what the server thinks by now."""
    return windows.open(stack, EDITOR, proxy=network.for_context)


def test_who_was_made_a_viewer_meanwhile_gets_the_card_back(
    board: Board, editor: Visitor, network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("403")
    task = board.add_task("Not for viewers")
    editor.open_board(board.id)
    network.cut()
    expect_badge(editor, "Offline")
    Mouse(editor.page).drag(editor.task(task["id"]), lower_part(column(editor, board.columns["Done"])))
    expect_cards(editor, board.columns["Done"], "Not for viewers")
    member = next(one for one in board.snapshot()["members"] if one["user"]["username"] == EDITOR.username)
    answered(board.owner.patch(f"/api/members/{member['id']}/", {"role": "viewer"}), 200)
    network.mend()
    expect_badge(editor, "Live", 30)
    expect_cards(editor, board.columns["To do"], "Not for viewers")
    toasts = editor.page.locator("#toasts")
    expect(toasts).to_contain_text("“Not for viewers” went back to where it was:")
    expect(toasts.get_by_role("button", name="Open the task")).to_be_visible()
    expect(editor.page.get_by_role("button", name="New task in To do")).to_be_hidden()
    assert board.snapshot()["tasks"][0]["column"] == board.columns["To do"]


def test_refused_changes_go_back_and_leave_the_others_alone(
    board: Board, editor: Visitor, network: Network, complaints: Complaints
) -> None:
    complaints.may_hold("status of 40[049]")
    doomed, task = board.add_task("Deleted meanwhile"), board.add_task("Arrives")
    page, target = editor.open_board(board.id), board.columns["In progress"]
    network.cut()
    expect_badge(editor, "Offline")
    mouse = Mouse(page)
    for one in (doomed, task):
        mouse.drag(editor.task(one["id"]), lower_part(column(editor, target)))
    page.get_by_role("button", name="Actions for the column Done").click()
    page.get_by_role("menuitem", name="Delete…").click()
    page.get_by_role("button", name="Delete column").click()
    expect(column(editor, board.columns["Done"])).to_have_count(0)
    expect_cards(editor, target, "Deleted meanwhile", "Arrives")
    expect_badge(editor, "Offline (3 waiting)")
    answered(board.owner.delete(f"/api/tasks/{doomed['id']}/"), 204)
    board.add_task("In its way", column=board.columns["Done"])
    network.mend()
    expect_badge(editor, "Live", 30)
    toasts = page.locator("#toasts")
    # The refusal may come before or after the news of the deletion; the sentence fits either way.
    expect(toasts).to_contain_text(" is no longer there, or you may no longer see it.")
    expect(toasts).to_contain_text("The column was not deleted: ")
    expect_cards(editor, board.columns["Done"], "In its way")
    expect_cards(editor, target, "Arrives")
    expect(page.locator(".is-pending")).to_have_count(0)
    assert [task["title"] for task in board.snapshot()["tasks"]] == ["Arrives", "In its way"]
