"""The tests' set-up. docs/development.md says how the passes and the stacks fit together."""

import logging
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx._transports.default
import hypothesis
import pytest

from tests.support.databases import CHOICES, InProcess

pytest_plugins = ["tests.support.stack_fixtures", "tests.support.browser", "tests.support.logged_errors"]
# A busy machine is no reason to fail: pytest's own time limit bounds a test.
hypothesis.settings.register_profile("suite", deadline=None, print_blob=True)
hypothesis.settings.load_profile("suite")
logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request would bury what a test logs
# The certificates of all authorities are read for each client, in 30 ms of the processor: here once.
vars(httpx._transports.default)["create_ssl_context"] = cache(httpx.create_ssl_context)
PICTURES = Path("test-results")
PROCESSES = frozenset({"templates", "chromium", "cluster"})  # fixtures
in_process_key = pytest.StashKey[InProcess]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Choose the database here: the earliest moment, before any other conftest imports a model."""
    parser.addoption(
        "--on", choices=CHOICES, default="sqlite", help="database of the tests inside this process"
    )
    config = cast("pytest.Config", pluginmanager.get_plugin("pytestconfig"))
    parser.addoption("--chaos", action="store_true", help="the whole set of faults: `make chaos`")
    parser.addoption("--chaos-seed", type=int, help="what the faults' load is drawn from; default: any")
    parser.addoption("--chaos-page", type=Path, help="page that shows the table of a run without a failure")
    parser.addoption("--fuzz", action="store_true", help="thousands of odd requests and frames: `make fuzz`")
    parser.addoption("--every-cell", action="store_true", help="all ways to leave words, not some drawn ones")
    parser.addoption("--cell-seed", type=int, help="what the ways to leave words are drawn by; default: any")
    given = parser.parse_known_args(list(config.invocation_params.args))
    config.stash[in_process_key] = InProcess(given.on)
    config.stash[in_process_key].prepare()


def pytest_report_header(config: pytest.Config) -> str:
    return f"database inside this process: {config.getoption('--on')}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """SQLite: all but what only PostgreSQL can show. PostgreSQL: whatever uses Django's database."""
    on_postgresql = config.getoption("--on") == "postgresql"
    chosen = _uses_database if on_postgresql else _runs_on_sqlite
    whole = config.getoption("--chaos")
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        now = chosen(item) and (whole or item.get_closest_marker("chaos") is None)
        (kept if now else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def pytest_put_long_files_first(items: list[pytest.Item]) -> None:
    """Whoever starts processes takes long: were such a file the last, one worker would be left waiting."""
    long = {item.path for item in items if PROCESSES & set(getattr(item, "fixturenames", ()))}
    items.sort(key=lambda item: item.path not in long)


def _runs_on_sqlite(item: pytest.Item) -> bool:
    return item.get_closest_marker("postgresql") is None


def _uses_database(item: pytest.Item) -> bool:
    from django.test import TransactionTestCase

    if item.get_closest_marker("django_db") or item.get_closest_marker("postgresql"):
        return True
    if {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ())):
        return True
    cls = getattr(item, "cls", None)
    return isinstance(cls, type) and issubclass(cls, TransactionTestCase)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Before pytest-django makes the test database: start its server, and name a file where it is SQLite."""
    from django.db import connection

    in_process = request.config.stash[in_process_key]
    in_process.start()
    if in_process.choice == "sqlite":
        # A file: threads, and processes beside this one, read it too.
        connection.settings_dict["TEST"]["NAME"] = str(in_process.folder / "tests.sqlite3")
    yield
    in_process.stop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Before pytest-django drops the test database: end what the gateway's threads keep open to it."""
    from django.db import connection

    yield
    if connection.vendor == "postgresql":
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(f"{others} AND pid <> pg_backend_pid()")


@pytest.fixture(autouse=True)
def _nothing_known_of_operators() -> None:
    """What operators have set is kept in memory for a moment: another test's must not hold here."""
    from realtime import rules

    rules.forget()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows the logs of the processes it was about and where the pictures of the windows are."""
    from tests.support.browser import keep_pictures
    from tests.support.processes import servers_that_wrote

    report = yield
    if report.failed and call.when == "call":
        for server in servers_that_wrote(since=call.start):
            report.sections.append(("process", server.tail()))
        for picture in keep_pictures(item, PICTURES):
            report.sections.append(("picture", str(picture)))
    return report
