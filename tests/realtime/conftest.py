"""Fixtures of the gateway's tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from realtime import broadcast
from tests.realtime.bell_rig import use
from tests.realtime.hub_rig import Bells, Rig
from tests.support.redis import Redis


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
def redis(settings: Any) -> Iterator[Redis]:
    server = Redis()
    use(settings, server)
    yield server
    server.stop()
