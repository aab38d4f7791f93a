"""What a person does at a board and sees there: pointers, columns, words."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import CDPSession, Locator, Page, Route, expect

from tests.support.browser import Visitor
from tests.support.network import Network

# What does not depend on how many gateways there are is seen on one; two gateways have tests of their own.
ON_ONE_GATEWAY = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

# Keys, dates, drags and the focus are each browser's own.
IN_EACH_ENGINE = pytest.mark.parametrize("engine", ["chromium", "firefox"])

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}

Point = tuple[float, float]
STEPS = 6  # of a movement: more than one, as from a real pointer


def column(visitor: Visitor, column_id: str) -> Locator:
    return visitor.page.locator(f'[data-column-id="{column_id}"]')


def expect_cards(visitor: Visitor, column_id: str, *titles: str) -> None:
    """The column shows exactly these cards, in this order."""
    expect(column(visitor, column_id).locator(".card-title")).to_have_text(list(titles))


def expect_badge(visitor: Visitor, word: str, seconds: float = 20) -> None:
    expect(visitor.page.get_by_test_id("connection-badge")).to_contain_text(word, timeout=seconds * 1000)


@contextmanager
def offline(visitor: Visitor, network: Network) -> Iterator[None]:
    """What a person does without a connection, by way of that network; behind it they are Live again."""
    network.cut()
    expect_badge(visitor, "Offline")
    yield
    network.mend()
    expect_badge(visitor, "Live", 30)


def status(visitor: Visitor) -> dict[str, Any]:
    found: dict[str, Any] = visitor.page.evaluate("websocketService.getConnectionStatus()")
    return found


def violations(page: Page, scheme: str, context: Any = None) -> list[str]:
    """What axe finds on a page, or in that part of it; in the dark only what is another there: colours."""
    options = {"resultTypes": ["violations"], **(COLOURS if scheme == "dark" else {})}
    results = Axe().run(page, context, options).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in results]


def record_events(visitor: Visitor) -> Callable[[], list[int]]:
    """From now on; calling what this returns gives the seqs that the page has been handed, in order."""
    visitor.page.evaluate(
        "window.heardSeqs = []; websocketService.on('*', ({ seq }) => window.heardSeqs.push(seq))"
    )
    return lambda: visitor.page.evaluate("window.heardSeqs")


def another_page(visitor: Visitor) -> Visitor:
    """A second page of the same browser, with the same cookies; its complaints count with the first's."""
    twin = copy.copy(visitor)
    twin.page = visitor.open_page()
    return twin


class HeldRequests:
    """Requests of a page to an address, each of which waits until the test answers it."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._held: list[Route] = []
        page.route(address, lambda route: self._held.append(route))

    @property
    def waiting(self) -> int:
        """How many have not been answered."""
        return len(self._held)

    def next(self, seconds: float = 10) -> Route:
        """The oldest one, once it is there."""
        deadline = time.monotonic() + seconds
        while not self._held:
            assert time.monotonic() < deadline, "the page did not ask"
            self._page.wait_for_timeout(10)  # in which Playwright hands over what the page does
        return self._held.pop(0)


def middle(place: Locator) -> Point:
    box = place.bounding_box()
    assert box, f"not on the screen: {place}"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def lower_part(place: Locator) -> Point:
    """Where a card that is dropped comes to stand below all others."""
    box = place.bounding_box()
    assert box, f"not on the screen: {place}"
    return box["x"] + box["width"] / 2, box["y"] + box["height"] - 20


def between(start: Point, end: Point) -> list[Point]:
    return [
        (start[0] + (end[0] - start[0]) * step / STEPS, start[1] + (end[1] - start[1]) * step / STEPS)
        for step in range(1, STEPS + 1)
    ]


class Mouse:
    """Takes a card with the left button."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.at: Point = (0, 0)

    def take(self, card: Locator) -> None:
        """Press on the card and move until it is in hand."""
        self.press(middle(card))
        self.move((self.at[0] + 12, self.at[1] + 12))
        expect(self.page.locator(".is-ghost")).to_be_visible()

    def carry_to(self, point: Point) -> None:
        self.move(point)

    def drag(self, card: Locator, point: Point) -> None:
        self.take(card)
        self.carry_to(point)
        self.let_go()

    def press(self, point: Point) -> None:
        self.at = point
        self.page.mouse.move(*point)
        self.page.mouse.down()

    def move(self, point: Point) -> None:
        self.page.mouse.move(*point, steps=STEPS)
        self.at = point

    def let_go(self) -> None:
        self.page.mouse.up()


class Pen(Mouse):
    """A stylus: hovers and presses as a mouse does, and says that it is a pen."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._browser: CDPSession = page.context.new_cdp_session(page)

    def press(self, point: Point) -> None:
        self.at = point
        self._send("mousePressed", point)

    def move(self, point: Point) -> None:
        for at in between(self.at, point):
            self._send("mouseMoved", at)
        self.at = point

    def let_go(self) -> None:
        self._send("mouseReleased", self.at)

    def _send(self, kind: str, point: Point) -> None:
        where = {"x": point[0], "y": point[1], "button": "left", "buttons": 1, "clickCount": 1}
        self._browser.send("Input.dispatchMouseEvent", {"type": kind, "pointerType": "pen", **where})


class Finger(Mouse):
    """Takes a card by holding it."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._browser: CDPSession = page.context.new_cdp_session(page)

    def take(self, card: Locator) -> None:
        self.press(middle(card))
        expect(self.page.locator(".is-ghost")).to_be_visible()

    def press(self, point: Point) -> None:
        self.at = point
        self._send("touchStart", point)

    def move(self, point: Point) -> None:
        for at in between(self.at, point):
            self._send("touchMove", at)
        self.at = point

    def let_go(self) -> None:
        self._browser.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _send(self, kind: str, point: Point) -> None:
        points = [{"x": point[0], "y": point[1]}]
        self._browser.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
