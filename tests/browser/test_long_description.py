"""A board holds the beginning of a long description: nobody can take it for the whole, or save it as such."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, HeldRequests, expect_badge
from tests.support.boards import Board
from tests.support.browser import Visitor
from tests.support.network import Network
from tests.support.people import EDITOR, OWNER, VIEWER

pytestmark = [pytest.mark.browser, ON_ONE_GATEWAY]

Visit = Callable[..., Visitor]
WHOLE = "The beginning. " + "🎉 words " * 300 + "The end."
BEGINNING = WHOLE[:2000]
LATER = {"code": "unavailable", "detail": "Later."}
LOADING, FAILED = "Loading the whole description", "This is only the beginning"


def description(visitor: Visitor) -> Locator:
    return visitor.page.locator("#sheet-description")


def note(visitor: Visitor) -> Locator:
    return visitor.page.locator("#sheet-description-note")


def open_task(visitor: Visitor, board: Board, task: dict) -> None:
    visitor.open_board(board.id)
    visitor.task(task["id"]).locator("a").click()


def whole_of(board: Board, task: dict) -> str:
    return str(board.owner.get(f"/api/tasks/{task['id']}/").json()["description"])


def test_the_whole_is_loaded_when_the_card_is_opened_and_edited_as_a_whole(
    visit: Visit, board: Board
) -> None:
    task = board.add_task("Long", description=WHOLE)
    (shown,) = board.snapshot()["tasks"]
    assert (shown["description"], shown["descriptionCut"]) == (BEGINNING, True)
    visitor = visit(OWNER)
    open_task(visitor, board, task)
    expect(description(visitor)).to_have_value(WHOLE)
    expect(note(visitor)).to_be_hidden()
    description(visitor).press("Control+End")
    visitor.page.keyboard.type(" Added.")
    description(visitor).press("Control+Enter")
    expect(visitor.page.locator(".sheet-state")).to_have_text("Saved")
    assert whole_of(board, task) == f"{WHOLE} Added."
    visitor.page.keyboard.press("Escape")
    visitor.task(task["id"]).locator("a").click()
    expect(description(visitor)).to_have_value(f"{WHOLE} Added.")


def test_until_it_is_there_the_beginning_is_shown_and_nothing_can_be_typed_or_saved(
    visit: Visit, board: Board, complaints: Complaints
) -> None:
    complaints.may_hold("status of 503")
    task = board.add_task("Long", description=WHOLE)
    visitor = visit(OWNER)
    requests = HeldRequests(visitor.page, f"**/api/tasks/{task['id']}/")
    open_task(visitor, board, task)
    seq = board.seq
    expect(note(visitor)).to_contain_text(LOADING)
    expect(description(visitor)).to_have_value(BEGINNING)
    expect(description(visitor)).to_have_attribute("readonly", "")
    expect(description(visitor)).to_have_attribute("aria-busy", "true")
    description(visitor).press("Control+End")
    visitor.page.keyboard.type("typed over a part")
    expect(description(visitor)).to_have_value(BEGINNING)
    requests.next().fulfill(status=503, json=LATER)
    expect(note(visitor)).to_contain_text(FAILED)
    expect(description(visitor)).to_have_attribute("readonly", "")
    visitor.page.keyboard.press("Escape")  # closing saves whatever was typed
    visitor.task(task["id"]).locator("a").click()
    expect(note(visitor)).to_contain_text(LOADING)
    assert (board.seq, whole_of(board, task)) == (seq, WHOLE)
    requests.next().fulfill(status=503, json=LATER)
    note(visitor).get_by_role("button", name="Try again").click()
    requests.next().continue_()
    expect(description(visitor)).to_have_value(WHOLE)
    expect(description(visitor)).not_to_have_attribute("readonly", "")
    expect(description(visitor)).not_to_have_attribute("aria-busy", "true")


def test_a_viewer_reads_the_whole(visit: Visit, board: Board) -> None:
    task = board.add_task("Long", description=WHOLE)
    visitor = visit(VIEWER)
    open_task(visitor, board, task)
    expect(description(visitor)).to_have_value(WHOLE)


def test_what_others_write_beyond_the_beginning_is_seen_and_never_overwritten(
    visit: Visit, board: Board
) -> None:
    task = board.add_task("Long", description=WHOLE)
    here, there = visit(OWNER), visit(EDITOR)
    for visitor in (here, there):
        open_task(visitor, board, task)
        expect(description(visitor)).to_have_value(WHOLE)
    description(here).press("Control+End")
    here.page.keyboard.type(" Mine.")
    description(there).press("Control+End")
    there.page.keyboard.type(" Theirs.")
    description(there).press("Control+Enter")
    conflict = here.page.locator(".conflict", has_text="changed the description while you were editing")
    expect(conflict).to_contain_text(EDITOR.name)
    assert whole_of(board, task) == f"{WHOLE} Theirs."
    conflict.get_by_role("button", name="Take theirs").click()
    expect(description(here)).to_have_value(f"{WHOLE} Theirs.")


def test_words_written_offline_over_the_whole_meet_what_others_wrote_meanwhile(
    visit: Visit, board: Board, network: Network, complaints: Complaints
) -> None:
    """And a card that is first opened offline says that it cannot show all."""
    complaints.may_hold("status of 412")
    task, other = board.add_task("Long", description=WHOLE), board.add_task("Another", description=WHOLE)
    here = visit(OWNER, proxy=network.for_context)
    open_task(here, board, task)
    expect(description(here)).to_have_value(WHOLE)
    network.cut()
    expect_badge(here, "Offline", 60)
    description(here).press("Control+End")
    here.page.keyboard.type(" Mine.")
    here.page.keyboard.press("Control+Enter")
    here.page.locator("#sheet").get_by_role("button", name="Close task").click()
    here.task(other["id"]).locator("a").click()
    expect(note(here)).to_contain_text(FAILED)
    expect(description(here)).to_have_value(BEGINNING)
    here.page.keyboard.press("Escape")
    path = f"/api/tasks/{task['id']}/"
    assert board.owner.patch(path, {"description": f"{WHOLE} Theirs."}).status_code == 200
    network.mend()
    expect_badge(here, "Live", 60)
    here.page.locator(".toast", has_text="Your words are kept").get_by_role("button", name="Show").click()
    kept = here.page.get_by_role("dialog", name="Not saved")
    expect(kept.get_by_role("group", name="Your words")).to_contain_text("Mine.")
    expect(kept.get_by_role("group", name="Their words")).to_contain_text("Theirs.")
    assert whole_of(board, task) == f"{WHOLE} Theirs."
    kept.get_by_role("button", name="Save mine").click()
    here.page.keyboard.press("Escape")
    expect(here.page.locator(".is-pending")).to_have_count(0)
    here.task(task["id"]).locator("a").click()
    expect(description(here)).to_have_value(f"{WHOLE} Mine.")
    assert whole_of(board, task) == f"{WHOLE} Mine."


def test_a_filter_says_where_it_has_looked_at_the_beginning_alone(visit: Visit, board: Board) -> None:
    board.add_task("Long", description=WHOLE)
    board.add_task("Short", description="The end.")
    visitor = visit(OWNER)
    visitor.open_board(board.id)
    visitor.page.locator("#filter").fill("the end")
    expect(visitor.page.locator(".card-title")).to_have_text(["Short"])
    unsure = visitor.page.locator("#filter-unsure")
    expect(unsure).to_have_text(
        "One hidden card has a long description, of which the filter looks at the beginning alone."
    )
    visitor.page.locator("#filter").fill("the beginning")
    expect(visitor.page.locator(".card-title")).to_have_text(["Long"])
    expect(unsure).to_be_hidden()
