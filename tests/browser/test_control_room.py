"""The operators' pages in a browser, before gateways that do what they are told."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.hands import ON_ONE_GATEWAY, SCHEMES, expect_badge, expect_cards, violations
from tests.support.boards import Board
from tests.support.browser import Visitor, Windows
from tests.support.people import EDITOR, OPERATOR, VIEWER
from tests.support.stack import Stack

pytestmark = pytest.mark.browser
LIVE = "/admin/realtime/liveconnection/"
FOLLOWED_MS = 4_000  # two seconds until it holds, one until it is written, one until the page looks again


def row(page: Page, connection_id: str) -> Locator:
    return page.locator(f"#result_list tr:has(input[value='{connection_id}'])")


def open_live(windows: Windows, stack: Stack) -> Page:
    page = windows.open(stack, OPERATOR).page
    page.goto(LIVE)
    return page


@ON_ONE_GATEWAY
def test_the_list_refreshes_itself_and_disturbs_neither_a_tick_nor_a_word_half_typed(
    stack: Stack, windows: Windows
) -> None:
    first, second = stack.socket(EDITOR), stack.socket(VIEWER)
    ids = [socket.frames[0]["data"]["connectionId"] for socket in (first, second)]
    page = open_live(windows, stack)
    for connection_id in ids:
        expect(row(page, connection_id)).to_be_visible()
    row(page, ids[0]).locator("input").check()
    page.locator("#searchbar").press_sequentially("half a wo")
    late = stack.socket(EDITOR)
    second.close()
    expect(page.locator("[data-refresh-notice]")).to_contain_text("1 new, shown once nothing is ticked")
    expect(row(page, ids[1])).to_have_class(re.compile("gone"))
    expect(row(page, ids[0]).locator("input")).to_be_checked()
    expect(page.locator("#searchbar")).to_have_value("half a wo")
    expect(page.locator("#searchbar")).to_be_focused()
    expect(page.locator(".action-counter")).to_contain_text("1 of")
    row(page, ids[0]).locator("input").uncheck()
    late_id = late.frames[0]["data"]["connectionId"]
    expect(row(page, late_id)).to_be_visible()
    expect(row(page, ids[1])).to_have_count(0)
    expect(page.locator("#searchbar")).to_have_value("half a wo")
    row(page, late_id).locator("input").check()
    expect(page.locator(".action-counter")).to_contain_text("1 of")
    row(page, late_id).locator("input").uncheck()
    expect(page.locator(".action-counter")).to_contain_text("0 of")

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-refresh-notice]")).to_have_text("Paused.")
    with page.expect_event("requestfinished", lambda request: LIVE in request.url):
        page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-refresh-notice]")).to_have_text("")


@ON_ONE_GATEWAY
def test_a_page_that_cannot_be_refreshed_says_so_and_why(
    stack: Stack, windows: Windows, complaints: Complaints
) -> None:
    complaints.may_hold("status of 503")
    stack.socket(EDITOR)
    page = open_live(windows, stack)
    notice = page.locator("[data-refresh-notice]")
    page.route(f"**{LIVE}", lambda route: route.fulfill(status=503, body="away"))
    expect(notice).to_contain_text("The server answered 503: what you see may be old.")
    page.unroute(f"**{LIVE}")
    expect(notice).to_have_text("")
    page.context.clear_cookies()
    expect(notice).to_contain_text("You are logged out")
    stack.sessions.pop(OPERATOR.username, None)


@ON_ONE_GATEWAY
@pytest.mark.parametrize("address", ["/admin/", LIVE])
def test_a_page_left_open_overnight_does_not_grow(stack: Stack, windows: Windows, address: str) -> None:
    """Whatever an answer brings goes again with it: nodes, listeners, documents."""
    stack.socket(EDITOR)
    page = windows.open(stack, OPERATOR).page
    page.clock.install()
    page.goto(address)
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    pause = 1000 * int(page.locator("[data-refresh-every]").get_attribute("data-refresh-every") or "")
    counters = page.context.new_cdp_session(page)

    def after(refreshes: int) -> dict[str, int]:
        for _ in range(refreshes):
            page.clock.run_for(pause)
            # Only once the page shows it an answer is done with: a document that is read now is no leak.
            now = page.evaluate("new Date().toLocaleTimeString([], { hour12: false })")
            expect(page.locator("[data-refresh-clock]")).to_contain_text(f"As of {now}.")
        counters.send("HeapProfiler.collectGarbage")
        return counters.send("Memory.getDOMCounters")

    after(1)  # what the load of the page left behind goes first
    few, many = after(3), after(30)
    # A cell may say a word more than before; what stays of every answer makes thirty.
    assert all(many[name] - count < 30 for name, count in few.items()), (few, many)


@ON_ONE_GATEWAY
def test_a_disconnect_is_confirmed_before_the_operators_eyes(stack: Stack, windows: Windows) -> None:
    chosen, other = stack.socket(EDITOR), stack.socket(VIEWER)
    page = open_live(windows, stack)
    row(page, chosen.frames[0]["data"]["connectionId"]).locator("input").check()
    page.select_option("select[name=action]", label="Disconnect …")
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
    page.get_by_label("Why").fill("lost laptop")
    page.get_by_role("button", name="Disconnect").click()
    assert chosen.wait_closed() == 4403
    assert chosen.connection.close_reason == "lost laptop"
    expect(page.get_by_text("1 of 1 connection closed")).to_be_visible(timeout=FOLLOWED_MS)
    assert other.request("ping")["event"] == "ack"


@pytest.mark.parametrize("own_stack", ["distributed"], indirect=True)
def test_everyone_to_polling_is_seen_on_a_board_and_so_is_the_way_back(
    own_stack: Stack, own_board: Board, windows: Windows, complaints: Complaints
) -> None:
    """With Redis stopped: what an operator does at that moment must not wait for it."""
    operator: Visitor = windows.open(own_stack, OPERATOR)
    editor = windows.open(own_stack, EDITOR)
    editor.open_board(own_board.id, "Live")
    assert own_stack.redis is not None
    own_stack.redis.server.pause()
    page = operator.page
    page.goto(LIVE)  # the audit, which the dry run counts from, is a second behind the sockets
    expect(row(page, editor.page.evaluate("websocketService.getDetails().connectionId"))).to_be_visible()
    page.goto("/admin/")
    expect(page.get_by_text(re.compile(r"^Real-time is on\."))).to_be_visible()
    page.get_by_label("Banner").fill("Back in a moment")
    page.get_by_role("button", name="Everyone to polling").click()
    expect(page.get_by_text(re.compile(r"This closes \d of \d live connection"))).to_be_visible()
    expect_badge(editor, "Live")  # a dry run touches nobody
    page.get_by_label("Why").fill("a proxy eats sockets")
    page.get_by_role("button", name="Do it").click()
    expect_badge(editor, "Polling")
    expect(editor.page.get_by_text("Back in a moment")).to_be_visible()
    expect(page.get_by_text("is in force on 2 of 2 gateways")).to_be_visible(timeout=FOLLOWED_MS)
    own_board.add_task("While everyone polls")
    expect_cards(editor, own_board.columns["To do"], "While everyone polls")

    page.get_by_role("button", name="Back to live").click()
    page.get_by_role("button", name="Do it").click()
    expect(editor.page.get_by_test_id("connection-badge")).to_contain_text("Live", timeout=15_000)
    expect(editor.page.get_by_text("Back in a moment")).to_have_count(0)
    own_stack.redis.server.resume()


PAGES = (
    "/admin/",
    "/admin/policy/",
    LIVE,
    "/admin/realtime/endedconnection/",
    "/admin/realtime/gatewayprocess/",
)


# Without Django's own search form, whose label is a picture.
OURS = {"include": [["#content"]], "exclude": [["#toolbar"]]}


@ON_ONE_GATEWAY
@pytest.mark.parametrize("width", [1280, 390], ids=["desk", "phone"])
def test_the_pages_are_accessible_in_every_dress(stack: Stack, windows: Windows, width: int) -> None:
    """What is ours of them; the frame around it is Django's."""
    stack.socket(EDITOR)
    page = windows.open(stack, OPERATOR, viewport={"width": width, "height": 800}).page
    found = []
    for address in PAGES:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.goto(address)  # anew: Django's links take their time to change colour
            found += [f"{address} {scheme} {one}" for one in violations(page, scheme, OURS)]
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append(f"{address} scrolls sideways")
    assert not found, "\n".join(found)
