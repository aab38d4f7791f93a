"""Each promise has its mechanism: with that taken out of the gateways, a trial must fail."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from tests.faults.conftest import MakeTrial
from tests.faults.test_clients_misbehave import send_thrice
from tests.faults.test_gateways_fail import drain_a_gateway, kill_a_gateway
from tests.faults.test_redis_fails import kill_subscriptions, lose_redis_for_good
from tests.faults.trial import Trial

Story = Callable[[Trial], Awaitable[None]]

BROKEN = [
    ("without-gap-fill", kill_subscriptions, r"stopped at \d+ of|was level inf"),
    ("without-head-check", lose_redis_for_good, r"stopped at \d+ of|was level inf"),
    ("without-drain", drain_a_gateway, r"sockets were closed within"),
    ("without-lease", kill_a_gateway, r"gateway_leases_expired_total did not move"),
    ("without-canary", lose_redis_for_good, r"/ready says"),
    ("without-idempotency", send_thrice, r"stands \d+ times|answers to one write"),
]


@pytest.mark.chaos
@pytest.mark.parametrize("variant, story, blame", BROKEN)
async def test_a_promise_without_its_mechanism(
    broken_trial: MakeTrial, variant: str, story: Story, blame: str
) -> None:
    traces = ("gateway_leases_expired_total",) if variant == "without-lease" else ()
    verdict = await verdict_on(broken_trial(traces=traces, patience=6.0), variant, story)
    assert re.search(blame, verdict), f"{variant} was not noticed: {verdict or 'the trial passed'}"


async def verdict_on(trial: Trial, variant: str, story: Story) -> str:
    """What the trial of gateways that lack a mechanism says; nothing where it passes."""
    try:
        async with trial as load:
            await weaken(load, variant)
            await story(load)
    except AssertionError as verdict:
        return str(verdict)
    return ""


async def weaken(load: Trial, variant: str) -> None:
    """All gateways anew, as a variant of the program."""
    program = ("-m", "tests.faults.variants", variant)
    for node in load.cluster.nodes:
        await load.in_thread(node.gateway.stop)
    await asyncio.gather(*(load.in_thread(n.gateway.restart, program) for n in load.cluster.nodes))
    assert await load.everybody_connected(), "not everybody came back"
