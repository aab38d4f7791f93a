"""Makes the README's pictures: one board in two people's windows, both Live, in light and in dark.

`make screenshots` starts a gateway with the demo data on free ports in a temporary folder, opens the
board twice in Chromium, and sets the two pictures side by side on a page of their own.
"""

import base64
import logging
import os
import tempfile
from pathlib import Path

import django
from django.core.management import call_command
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.api import Api, answered, log_in
from tests.support.browser import FLAGS, Visitor, chromium_path
from tests.support.environment import environment
from tests.support.gateway import Gateway
from tests.support.people import Person
from tests.support.processes import ROOT

IMAGES = ROOT / "docs" / "images"
WINDOW = {"width": 1320, "height": 800}
SCALE = 2
BACKDROPS = {"light": "#e7e9ee", "dark": "#08090c"}


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="devmentor-pictures-") as name:
        settings = {"DATABASE_URL": f"sqlite:///{Path(name) / 'demo.sqlite3'}"}
        people = seed(settings)
        with Gateway(settings, Path(name)) as gateway, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
            for scheme in BACKDROPS:
                picture = IMAGES / f"two-windows-{scheme}.png"
                picture.write_bytes(
                    side_by_side(browser, scheme, two_windows(browser, gateway, people, scheme))
                )
                print(picture.relative_to(ROOT))
            browser.close()


def seed(settings: dict[str, str]) -> list[Person]:
    """Fill the database with the demo boards; the two who look at one."""
    os.environ.update(environment(settings))
    django.setup()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    from projects import demo

    call_command("migrate", verbosity=0)
    demo.seed()
    return [Person(username, username, password=demo.PASSWORD) for username in demo.USERNAMES[:2]]


def two_windows(browser: Browser, gateway: Gateway, people: list[Person], scheme: str) -> list[bytes]:
    """A picture of each person's window, taken when both are Live and show the same tasks."""
    api = Api(gateway.web_url, log_in(gateway.web_url, people[0]))
    board = answered(api.get("/api/projects/"), 200)["results"][0]["id"]
    tasks = len(answered(api.get(f"/api/projects/{board}/board/"), 200)["tasks"])
    visitors = [
        Visitor(
            browser,
            gateway.web_url,
            person,
            viewport=WINDOW,
            device_scale_factor=SCALE,
            color_scheme=scheme,
            reduced_motion="reduce",
        )
        for person in people
    ]
    for visitor in visitors:
        visitor.open_board(board)
    for visitor in visitors:
        expect(visitor.page.locator("[data-task-id]")).to_have_count(tasks)
        expect(visitor.page.locator("#presence li")).to_have_count(len(people))
        expect(visitor.page.get_by_test_id("connection-badge")).to_contain_text("Live")
    pictures = [visitor.page.screenshot() for visitor in visitors]
    for visitor in visitors:
        visitor.context.close()
    api.close()
    return pictures


def side_by_side(browser: Browser, scheme: str, pictures: list[bytes]) -> bytes:
    """One picture of both, drawn by the browser itself."""
    sources = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in pictures]
    width = WINDOW["width"] + 3 * 24
    page = browser.new_page(
        viewport={"width": width, "height": WINDOW["height"] // 2 + 48}, device_scale_factor=SCALE
    )
    page.set_content(
        f"""<style>
          body {{ margin: 0; padding: 24px; display: flex; gap: 24px; background: {BACKDROPS[scheme]} }}
          img {{ width: {WINDOW["width"] // 2}px; border-radius: 8px; box-shadow: 0 4px 18px #0005 }}
        </style>"""
        + "".join(f'<img src="{source}">' for source in sources),
        wait_until="load",
    )
    picture = page.screenshot()
    page.close()
    return picture


if __name__ == "__main__":
    main()
