"""The first page at 3 a.m.: the state in words, then figures with small charts, then tables."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest
from django.utils import timezone

from realtime import journal, leases, records, samples, standing
from realtime.control_room.charts import Chart, chart
from realtime.control_room.rights import may_change_policy
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
    gateways = live_gateways()
    stands = standing.of_all()
    people = records.live().aggregate(
        sockets=Count("pk"),
        people=Count("user_id", distinct=True),
        guests=Count("pk", filter=Q(user_id=None)),
        lag=Max("lag"),
    )
    unusual = findings(gateways, stands, points)
    return {
        "sentences": sentences(stands, people, len(gateways)),
        "unusual": unusual,
        "charts": charts(points),
        "gateways": gateways,
        "stands": stands,
        "people": people,
        "recent": OperatorAction.objects.all()[:RECENT],
        "may_change_policy": may_change_policy(request),
        "realtime_on": next(s.in_force for s in stands if s.name == "realtime"),
        "banner": next(s.in_force for s in stands if s.name == "banner"),
    }


def live_gateways() -> list[GatewayProcess]:
    """Those whose lease holds, each with `followed`: whether the operators' last entry is in force there."""
    head = journal.head()
    found = list(GatewayProcess.objects.filter(leases.live()))
    for gateway in found:
        gateway.followed = gateway.rules_seq >= head  # type: ignore[attr-defined]  # for the template
    return found


def sentences(stands: list[Standing], people: dict[str, Any], gateways: int) -> list[str]:
    """The state in words."""
    by_name = {one.name: one for one in stands}
    on = by_name["realtime"].in_force
    found = [f"Real-time is {'on' if on else 'off: everyone polls'}."]
    if by_name["strict"].in_force:
        found.append("Strict mode is on.")
    guests = people["guests"]
    who = f"{people['people']} {'person' if people['people'] == 1 else 'people'}"
    who += f" and {guests} guest{'' if guests == 1 else 's'}" if guests else ""
    found.append(
        f"{who} on {people['sockets']} socket{'' if people['sockets'] == 1 else 's'} "
        f"of {gateways} gateway{'' if gateways == 1 else 's'}."
    )
    return found


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
    last = points[-5:]
    slowest = max((point.p99 for point in last if point.p99 is not None), default=0.0)
    if slowest > SLOW_SECONDS:
        found.append(f"Slow: 99 of 100 events took up to {slowest:g} s in the last five minutes.")
    errors = max((point.errors for point in last if point.errors is not None), default=0.0)
    if errors > ERRORS_PER_SECOND:
        found.append(f"Errors: {errors:.0f} a second in the last five minutes.")
    return found


def charts(points: list[Point]) -> list[Chart]:
    latencies = [None if point.p99 is None else point.p99 * 1000 for point in points]
    return [
        chart("Connections", [point.connections for point in points]),
        chart("Frames a second", [point.frames for point in points], digits=1),
        chart("Errors a second", [point.errors for point in points], digits=2),
        chart("Latency, p99", latencies, "ms", digits=1),
    ]
