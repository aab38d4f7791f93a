"""The service as strangers meet it: with DEBUG off."""

from collections.abc import Iterator

import pytest

from tests.support.stack import Stack, Templates


@pytest.fixture(scope="session")
def _production(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("production")
    started = Stack("embedded", templates.copy("embedded"), folder, {"DEBUG": "false"})
    yield started
    started.stop()


@pytest.fixture
def production(_production: Stack) -> Iterator[Stack]:
    """A stack that these tests share: leave its gateway and its switches alone."""
    yield _production
    _production.close_clients()
