"""Fixtures of the gateway's tests."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from realtime import broadcast, installation
from tests.realtime.bell_rig import use
from tests.realtime.hub_rig import Bells, Rig
from tests.realtime.log_in_rig import Browser, Enter
from tests.support.people import Person
from tests.support.redis import Redis
from tests.support.stack import Stack


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> Bells:
    """What is published lands here instead of on a channel layer."""
    found = Bells()
    monkeypatch.setattr(broadcast, "_serving", found)
    return found


@pytest.fixture
def rig(transactional_db: None, bells: Bells) -> Rig:
    return Rig(bells)


@pytest.fixture
def redis(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """A server of the test's own; which installation this is needs no database."""
    server = Redis()
    use(settings, server)
    monkeypatch.setattr(installation, "_known", installation.installation_of("a test's"))
    yield server
    server.stop()


@pytest.fixture
def enter() -> Iterator[Enter]:
    with ExitStack() as browsers:

        def logged_in(stack: Stack, person: Person) -> Browser:
            browser = Browser(stack, person)
            browsers.callback(browser.close)
            return browser

        yield logged_in
