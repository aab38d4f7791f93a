"""Fixtures of the gateway's tests."""

import pytest

from realtime import broadcast
from tests.realtime.hub_rig import Bells, Rig


@pytest.fixture
def bells(monkeypatch: pytest.MonkeyPatch) -> Bells:
    """What is published lands here instead of on a channel layer."""
    found = Bells()
    monkeypatch.setattr(broadcast, "_serving", found)
    return found


@pytest.fixture
def rig(transactional_db: None, bells: Bells) -> Rig:
    return Rig(bells)
