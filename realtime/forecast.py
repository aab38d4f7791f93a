"""Whom a change of the rules would cut off, by reason, before it is made.

Each gateway's own environment counts, as it will when the change is made. What has connected within the last
second, or is on its way, is not in the database yet.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from realtime import connection_limits, database_clock, enforcement, leases, policy, records, rules
from realtime.census import Place
from realtime.connection import LONG_POLL
from realtime.enforcement import Terms
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.networks import Block, Blocklist, read_network
from realtime.policy import Policy
from realtime.rules import Rules

FIELDS = (
    *(
        "id",
        "user_id",
        "username",
        "address",
        "credential",
        "has_origin",
        "transport",
        "gateway_id",
        "opened_at",
    ),
    "last_frame_at",
)
IDLE = "nothing was heard of it for longer than that"
COUNTED_SECONDS = 15.0  # a frame may be that old before the audit knows of it
Cut = tuple[ConnectionRecord, str]


def of_policy(changes: Mapping[str, Any]) -> list[Cut]:
    """The live connections that these settings would close, each with the reason it would be given."""
    known = rules.refresh()
    operators = {**known.operators, **changes}
    return _cuts(Rules(known.seq, operators, known.blocked))


def of_block(network: str) -> list[Cut]:
    """The live connections of a network. Raises ValueError."""
    block = Block(read_network(network))
    return [cut for cut in _cuts(Rules(0, {}, Blocklist([block]))) if cut[1] == enforcement.BLOCKED]


def by_reason(cuts: Iterable[Cut]) -> dict[str, int]:
    """How many, the most first."""
    return dict(Counter(reason for _, reason in cuts).most_common())


def _cuts(found: Rules) -> list[Cut]:
    in_force = _policies(found)
    own = found.policy
    now = database_clock.now()
    cuts: list[Cut] = []
    staying: dict[str, list[ConnectionRecord]] = {}
    for record in records.live().only(*FIELDS):
        there = in_force.get(record.gateway_id, own)
        terms = Terms(record.address, record.credential, record.has_origin, record.transport)
        ground = enforcement.ground(terms, there, found.blocked, now)
        if ground is not None:
            cuts.append((record, ground[1]))
        elif _idle(record, there, now):
            cuts.append((record, IDLE))
        else:
            staying.setdefault(record.gateway_id, []).append(record)
    for gateway, remaining in staying.items():
        cuts += _excess(remaining, in_force.get(gateway, own))
    return cuts


def _idle(record: ConnectionRecord, in_force: Policy, now: float) -> bool:
    """Whether it has been silent for too long, as far as the audit knows; Engine.IO sees to its own."""
    silent = now - record.last_frame_at.timestamp() - COUNTED_SECONDS
    return record.transport == "websocket" and silent > in_force.idle_timeout


def _policies(found: Rules) -> dict[str, Policy]:
    """What would be in force on each gateway; one that is older than this says nothing of its environment."""
    own = policy.environment()
    gateways = GatewayProcess.objects.filter(leases.live()).values_list("instance", "environment")
    return {instance: policy.in_force({**own, **said}, found.operators) for instance, said in gateways}


def _excess(there: list[ConnectionRecord], in_force: Policy) -> list[Cut]:
    by_id = {str(record.id): record for record in there}
    opened = ((record.opened_at.timestamp(), key, _place(record)) for key, record in by_id.items())
    found = connection_limits.excess(opened, in_force)
    return [(by_id[key], limit.reason) for key, limit in found.items()]


def _place(record: ConnectionRecord) -> Place:
    return Place(record.user_id, record.address, record.transport == LONG_POLL)
