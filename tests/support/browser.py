"""Chromium and Firefox, and people who look at boards with them.

Playwright's synchronous API keeps an event loop running in the main thread for as long as it is open,
and neither `asyncio.run` nor Django's ORM works there meanwhile. So it is opened per module, never for
the session: tests of other modules, in whatever order, find the thread as they expect it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect, sync_playwright

from tests.support.people import EDITOR, OWNER, Person
from tests.support.processes import ROOT
from tests.support.stack import Stack

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# --no-sandbox: root in a container may not build one. The others: nothing but the page goes to the network.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT_MS = 10_000


def chromium_path() -> str:
    """The browser of the machine: `CHROMIUM` if set, else the first of the usual names."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        if name and (found := shutil.which(name)):
            return found
    raise FileNotFoundError("Chromium not found; `make test` installs it, or set CHROMIUM=/path/to/chrome")


class Visitor:
    """One person's browser window, in a context of its own: own cookies, own storage."""

    def __init__(
        self,
        browser: Browser,
        base_url: str,
        person: Person | None,
        cookies: list[Any] | None = None,
        **context: object,
    ) -> None:
        """`cookies`: of a log-in that this person made before; without any, the log-in page is used."""
        self.person = person
        self.context = browser.new_context(base_url=base_url, **context)  # type: ignore[arg-type]
        self.context.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.console: list[str] = []
        self.page = self.open_page()
        if cookies:
            self.context.add_cookies(cookies)
        elif person:
            self.log_in(person)

    def open_page(self) -> Page:
        """A new page in this context; what its console says and what goes wrong in it is kept."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        return page

    def log_in(self, person: Person) -> None:
        self.page.goto("/login")
        self.page.locator("input[name=username]").fill(person.username)
        self.page.locator("input[name=password]").fill(person.password)
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def open_board(self, project_id: str, badge: str = "Live") -> Page:
        """The board's page, once its connection badge reads as given."""
        self.page.goto(f"/projects/{project_id}")
        expect(self.page.get_by_test_id("connection-badge")).to_contain_text(badge, timeout=WAIT_MS)
        return self.page

    def task(self, task_id: str) -> Locator:
        return self.page.locator(f'[data-task-id="{task_id}"]')


class Windows:
    """The windows of one test, spread over the gateways of their stack in turn."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.visitors: list[Visitor] = []

    def open(self, stack: Stack, person: Person | None = OWNER, **context: object) -> Visitor:
        gateway = stack.gateways[len(self.visitors) % len(stack.gateways)]
        cookies = stack.sessions.get(person.username) if person else None
        visitor = Visitor(self._browser, gateway.web_url, person, cookies, **context)
        self.visitors.append(visitor)
        if person:
            stack.sessions[person.username] = visitor.context.cookies()
        return visitor

    def close(self) -> None:
        for visitor in self.visitors:
            visitor.context.close()


windows_key = pytest.StashKey[Windows]()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def firefox(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Debian's own, by WebDriver BiDi; tests/support/firefox_relay.py stands between."""
    script = tmp_path_factory.mktemp("firefox") / "firefox"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.support.firefox_relay "$@"\n')
    script.chmod(0o755)
    browser = playwright.firefox.launch(channel="moz-firefox", executable_path=script, env=_environment())
    yield browser
    browser.close()


def _environment() -> dict[str, str | float | bool]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def engine() -> str:
    """The fixture of the browser that `windows` opens; tests in each are parametrized by it."""
    return "chromium"


@pytest.fixture
def windows(engine: str, request: pytest.FixtureRequest) -> Iterator[Windows]:
    """For tests that choose the stack and the gateway of each window; an error in a page fails the test."""
    opened = request.node.stash[windows_key] = Windows(request.getfixturevalue(engine))
    yield opened
    errors = [error for visitor in opened.visitors for error in visitor.errors]
    opened.close()
    assert not errors, f"errors in the page: {errors}"


@pytest.fixture
def visit(windows: Windows, stack: Stack) -> Callable[..., Visitor]:
    """Open a window on the shared stack: `visit(OWNER)`, `visit(None, viewport=…)` for a guest."""
    return partial(windows.open, stack)


@pytest.fixture
def two_people(visit: Callable[..., Visitor]) -> tuple[Visitor, Visitor]:
    """The owner and the editor, logged in, each in a window of their own, on two gateways if there are."""
    return visit(OWNER), visit(EDITOR)


def keep_pictures(item: pytest.Item, folder: Path) -> list[Path]:
    """A picture of each open window of a failed test; where they are."""
    windows = item.stash.get(windows_key, None)
    pictures = []
    for number, visitor in enumerate(windows.visitors if windows else []):
        folder.mkdir(parents=True, exist_ok=True)
        name = "".join(letter if letter.isalnum() else "-" for letter in item.name)
        pictures.append(folder / f"{name}-{number}.png")
        visitor.page.screenshot(path=pictures[-1])
    return pictures
