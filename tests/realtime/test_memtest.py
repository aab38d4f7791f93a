"""`manage.py memtest`: a leak must be called one, and a healthy gateway must not."""

from typing import Any

import pytest
from django.core.management import CommandError

from devmentor.loadtesting import waves
from devmentor.loadtesting.address import Address
from devmentor.loadtesting.gateway import Reading
from devmentor.loadtesting.http import Http
from tests.realtime.command_rig import typed
from tests.support.console import Outcome
from tests.support.processes import free_port
from tests.support.stack import Stack

pytestmark = pytest.mark.filterwarnings("error")
LEAKING = ("-m", "tests.realtime.leaking")
SMALL = ("--connections=20", "--waves=7")


def measured(stack: Stack, *arguments: str) -> Outcome:
    return stack.console("memtest", f"--url={stack.first.http_url}", *SMALL, *arguments)


@pytest.mark.parametrize("own_stack", ["embedded"], indirect=True)
def test_a_leak_is_called_one_and_a_healthy_gateway_is_not(own_stack: Stack) -> None:
    healthy = measured(own_stack, "--json")
    result = healthy.json()
    assert (healthy.status, healthy.err, result["growing"]) == (0, "", False), result
    assert [wave["counts"] for wave in result["waves"]] == [False] * waves.WARM_UP + [True] * 7
    assert all(wave["residentBytes"] > 2**20 for wave in result["waves"])
    own_stack.first.stop()
    own_stack.first.restart(LEAKING)
    leaking = measured(own_stack)
    assert leaking.status == 1, leaking.out
    assert leaking.err.startswith("CommandError: memory keeps growing, by ")
    *rows, growth, judged = leaking.out.splitlines()
    assert len(rows) == waves.WARM_UP + 7
    assert growth.endswith("the median of all pairs of 7 waves.")
    assert "this is one (p = 0.0002)" in judged


def test_where_no_gateway_answers_it_says_how_to_start_one(settings: Any) -> None:
    settings.PORT = free_port()
    found = typed("memtest")
    assert (found.status, found.out) == (1, "")
    assert found.err.endswith(": start one with `make run` or `manage.py gateway`, or give --url")


def test_too_few_waves_for_a_verdict_are_refused() -> None:
    assert typed("memtest", "--waves=6").err == "--waves 6: expected a whole number from 7 to 1000"


def test_memory_of_one_gateway_is_not_read_for_that_of_several() -> None:
    """Behind a balancer each reading would be another gateway's."""
    http = Http(Address("boards.example", 80))
    one, two, both = (Reading(1, 0, frozenset(names)) for names in (["a"], ["b"], ["a", "b"]))
    waves.check_same(http, one, one, {"a"})
    waves.check_same(http, both, both, {"a"})
    for last, now, met in [(one, two, {"a"}), (one, one, {"a", "b"}), (both, one, {"a"})]:
        with pytest.raises(CommandError, match=r"more than one gateway, .*restarted \(a, b\): give --url"):
            waves.check_same(http, last, now, met)
