"""The first page at 3 a.m.: the state in words, then figures with small charts, then tables."""

import math
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils import timezone

from realtime import database_clock, leases, records, rules, samples, standing
from realtime.connection import LONG_POLL
from realtime.control_room.charts import Chart, chart
from realtime.control_room.rights import may_change_policy
from realtime.control_room.wording import told
from realtime.models import GatewayProcess, OperatorAction
from realtime.samples import Point
from realtime.standing import Standing

SPAN = timedelta(hours=1)
POINTS = 60
RECENT = 8
SLOW_SECONDS = 1.0  # the runbook's warnings: p99 above a second, more than ten errors in a second
ERRORS_PER_SECOND = 10


def context(request: HttpRequest) -> dict[str, Any]:
    """What the page shows, read in a handful of queries."""
    points = samples.points(timezone.now(), SPAN, POINTS)
    stands = standing.of_all()
    gateways = live_gateways(stands)
    people = records.live().aggregate(
        connections=Count("pk"),
        polls=Count("pk", filter=Q(transport=LONG_POLL)),
        people=Count("user_id", distinct=True),
        guests=Count("pk", filter=Q(user_id=None)),
    )
    blocked = rules.refresh().blocked.count(database_clock.now())
    unusual = findings(gateways, stands, points)
    return {
        "sentences": sentences(stands, people, len(gateways), blocked),
        "unusual": unusual,
        "charts": charts(points, people["connections"]),
        "gateways": gateways,
        "stands": stands,
        "people": people,
        "recent": [(entry, told(entry)) for entry in OperatorAction.objects.all()[:RECENT]],
        "may_change_policy": may_change_policy(request),
        "realtime_on": _of(stands, "realtime").in_force,
        "banner": _of(stands, "banner").in_force,
    }


def live_gateways(stands: list[Standing]) -> list[GatewayProcess]:
    """Those whose lease holds, each with `followed`: whether the operators' last entry is in force there."""
    behind = {one.instance for one in stands[0].behind}
    found = list(GatewayProcess.objects.filter(leases.live()))
    for gateway in found:
        gateway.followed = gateway.instance not in behind  # type: ignore[attr-defined]  # for the template
    return found


def _of(stands: list[Standing], name: str) -> Standing:
    return next(one for one in stands if one.name == name)


def sentences(stands: list[Standing], people: dict[str, Any], gateways: int, blocked: int) -> list[str]:
    """The state in words."""
    on, strict = _of(stands, "realtime").everywhere, _of(stands, "strict").everywhere
    found = [f"Real-time is {'off: everyone polls' if on is False else 'on' + _where(on)}."]
    if strict is not False:
        found.append(f"Strict mode is on{_where(strict)}.")
    if blocked:
        found.append(f"{blocked} network{' is' if blocked == 1 else 's are'} blocked.")
    guests = people["guests"]
    who = f"{people['people']} {'person' if people['people'] == 1 else 'people'}"
    who += f" and {guests} guest{'' if guests == 1 else 's'}" if guests else ""
    polls = people["polls"]
    how = _counted(people["connections"] - polls, "socket")
    how += f" and {_counted(polls, 'client')} that {'polls' if polls == 1 else 'poll'}" if polls else ""
    found.append(f"{who} on {how} of {_counted(gateways, 'gateway')}.")
    return found


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _where(everywhere: Any) -> str:
    return ", but not on every gateway" if everywhere is None else ""


def findings(gateways: list[GatewayProcess], stands: list[Standing], points: list[Point]) -> list[str]:
    """What an operator should look at, in words; empty where there is nothing unusual."""
    found = []
    if not gateways:
        found.append("No gateway is running: nobody can be Live, boards poll where the web is served.")
    deaf = [gateway.instance for gateway in gateways if not gateway.bell_healthy]
    if deaf:
        found.append(f"Not heard over Redis, so by the log within a second: {', '.join(deaf)}.")
    behind = [gateway.instance for gateway in gateways if not gateway.followed]  # type: ignore[attr-defined]
    if behind:
        found.append(f"Have not followed the operators' last change yet: {', '.join(behind)}.")
    differing = {one.instance for stand in stands for one in stand.differing}
    if differing:
        found.append(f"Other switches or limits in their environment: {', '.join(sorted(differing))}.")
    limits = {one.instance: one.in_force for one in _of(stands, "max-connections").gateways}
    full = [one.instance for one in gateways if one.connections >= limits.get(one.instance, math.inf)]
    if full:
        found.append(f"Full, so that more are refused with 4503: {', '.join(full)}.")
    last = points[-5:]
    slowest = max((point.p99 for point in last if point.p99 is not None), default=0.0)
    if slowest > SLOW_SECONDS:
        found.append(f"Slow: 99 of 100 events took up to {slowest:g} s in the last five minutes.")
    errors = max((point.errors for point in last if point.errors is not None), default=0.0)
    if errors > ERRORS_PER_SECOND:
        found.append(f"Errors: {errors:.0f} a second in the last five minutes.")
    return found


def charts(points: list[Point], connections: int) -> list[Chart]:
    """`connections`: how many are open now; samples are some seconds old."""
    latencies = [None if point.p99 is None else point.p99 * 1000 for point in points]
    return [
        chart("Connections", [*(point.connections for point in points[:-1]), connections]),
        chart("Frames a second", [point.frames for point in points], digits=1),
        chart("Errors a second", [point.errors for point in points], digits=2),
        chart("Latency, p99", latencies, "ms", digits=1),
    ]
