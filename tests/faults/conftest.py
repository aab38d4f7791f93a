"""The fault rig as fixtures: one cluster for all trials, a trial each, and a table of what they found."""

import asyncio
import inspect
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.report import write_report
from tests.faults.trial import Line, Trial

MakeTrial = Callable[..., Trial]
LONG_SECONDS = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones may take longer than other tests."""
    for item in items:
        if item.get_closest_marker("chaos"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A trial is a coroutine: run it, on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(scope="session")
def chaos_seed(request: pytest.FixtureRequest) -> int:
    given: int | None = request.config.getoption("--chaos-seed")
    return random.SystemRandom().randrange(10**6) if given is None else given


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    yield started
    started.stop()


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """The cluster, whole: three gateways, ready."""
    _cluster.heal()
    return _cluster


@pytest.fixture(scope="session")
def lines(request: pytest.FixtureRequest, chaos_seed: int) -> Iterator[list[Line]]:
    """The report's rows."""
    found: list[Line] = []
    yield found
    page: Path | None = request.config.getoption("--chaos-page")
    write_report(found, chaos_seed, page if not request.session.testsfailed else None)


@pytest.fixture
def trial(
    request: pytest.FixtureRequest, cluster: Cluster, chaos_seed: int, lines: list[Line], tmp_path: Path
) -> MakeTrial:
    """Makes this test's trial; the first line of the test's docstring is what the report calls it."""
    line = Line(fault=(request.function.__doc__ or request.node.name).strip().splitlines()[0].rstrip("."))
    lines.append(line)
    return partial(Trial, cluster, line, f"{chaos_seed} {request.node.name}", tmp_path)


@pytest.fixture
def broken_trial(
    request: pytest.FixtureRequest, cluster: Cluster, chaos_seed: int, tmp_path: Path
) -> MakeTrial:
    """A trial of gateways that lack something: it has to fail, and no row of the report is made of it."""
    return partial(Trial, cluster, Line("broken"), f"{chaos_seed} {request.node.name}", tmp_path)
