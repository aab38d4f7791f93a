"""A load test of a running gateway, which fails where anything is lost."""

import json as json_module
from argparse import ArgumentParser
from functools import partial
from itertools import islice
from typing import Any

from django.core.management.base import CommandError

from devmentor.loadtesting import options as read
from devmentor.loadtesting.histogram import Histogram
from devmentor.loadtesting.load import Plan, Result, load
from devmentor.management.loading import INTERRUPTED, LoadCommand
from realtime.management.wording import counted

LEAST_SECONDS, MOST_SECONDS = 1, 86_400
LEAST_RATE, MOST_RATE = 0.1, 1000
NAMED = 5  # losses that are told one by one
KEPT_UP = 0.95  # of the rate that was asked for


class Command(LoadCommand):
    help = (
        "Connect WebSocket clients to a running gateway, change tasks over HTTP meanwhile, and say how long "
        "each change took to each client. Ends with 1 where a client misses an event, hears one twice or out "
        "of order, and where a write fails. What it makes in the database it removes again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--duration", default="60", metavar="SECONDS", help="of writing (%(default)s)")
        parser.add_argument("--rate", default="10", metavar="N", help="writes a second (%(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        connections = read.connections(options)
        seconds = read.number(options, "duration", LEAST_SECONDS, MOST_SECONDS)
        plan = Plan(connections, seconds, read.number(options, "rate", LEAST_RATE, MOST_RATE))
        read.make_room_for(connections)
        where = read.address(options).http

        def tell(result: Result) -> None:
            lines = [json_module.dumps(as_json(result))] if options["json"] else report(result, where)
            self.stdout.write("\n".join(lines))
            judge(result)

        self.visit(options, seconds, partial(load, plan), tell, plan.rate)


def judge(result: Result) -> None:
    """Raises CommandError where it is no success."""
    if result.losses:
        raise CommandError(f"something was lost: {', '.join(_kinds(result))}")
    if result.head is None:
        raise CommandError("the gateway no longer answers: whether every client has everything is not known")
    if result.stopped:
        planned = f"{result.plan.seconds:g} s"
        raise CommandError(f"stopped after {result.seconds:.1f} of {planned}", returncode=INTERRUPTED)


def _kinds(result: Result) -> list[str]:
    """How much was lost in which way, the ways that there were."""
    ledgers = [client.ledger for client in result.clients]
    counts = {
        "event missed": sum(ledger.missed for ledger in ledgers),
        "event heard twice": sum(ledger.doubled for ledger in ledgers),
        "event out of order": sum(ledger.late for ledger in ledgers),
        "write failed": result.writer.failed,
        "write answered, and heard by nobody": result.arrivals.unheard,
    }
    return [f"{count} {_plural(what, count)}" for what, count in counts.items() if count]


def _plural(what: str, count: int) -> str:
    noun, space, rest = what.partition(" ")
    return what if count == 1 else f"{noun}s{space}{rest}"


def report(result: Result, where: str) -> list[str]:
    """What came of it, for people."""
    plan, writer, arrivals = result.plan, result.writer, result.arrivals
    closes = ", ".join(f"{count} with {code}" for code, count in sorted(result.closes.items()))
    p50, p99, longest = (_shown(arrivals.latency, share) for share in (0.5, 0.99, 1))
    own = _shown(arrivals.own, 0.99)
    clients, gateways = counted(plan.connections, "client"), counted(len(result.gateways), "gateway")
    lines = [
        f"{clients} on {gateways} at {where}, {plan.rate:g} writes a second for {plan.seconds:g} s",
        "",
        f"latency      p50 {p50}, p99 {p99}, longest {longest}",
        f"deliveries   {arrivals.deliveries}, {arrivals.deliveries / result.seconds:.1f} a second",
        f"writes       {writer.answered} answered, {writer.failed} failed, {writer.repeated} sent again",
        f"reconnects   {sum(result.closes.values())}" + (f": {closes}" if closes else ""),
        f"losses       {result.losses}",
        *_first(result),
        "",
        "Latency: from sending a write over HTTP until a client has read its event, over all clients.",
        f"Up to {own} of it (p99) passed in this command, which took {result.cpu:.0%} of a core.",
    ]
    return [*lines, *_doubts(result)]


def _first(result: Result) -> list[str]:
    """The first losses, one by one."""
    notes = list(islice(result.notes(), NAMED + 1))
    return [f"  {note}" for note in notes[:NAMED]] + ["  and others"] * (len(notes) > NAMED)


def _doubts(result: Result) -> list[str]:
    """Where the figures are not the gateway's alone."""
    plan, doubts = result.plan, []
    if result.is_bottleneck:
        doubts.append(
            "This command was itself the bottleneck, the gateway is faster: run it on a machine of its own, "
            "with fewer --connections, or at a lower --rate."
        )
    done = result.writer.answered + result.writer.failed
    if not result.stopped and done < KEPT_UP * plan.writes:
        doubts.append(f"Only {done / result.seconds:.1f} writes a second were answered.")
    return doubts


def as_json(result: Result) -> dict[str, Any]:
    """What came of it, for programs."""
    writer, arrivals, clients = result.writer, result.arrivals, result.clients
    return {
        "connections": result.plan.connections,
        "rate": result.plan.rate,
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped,
        "latencyMs": _percentiles(arrivals.latency),
        "ownLatencyMs": _percentiles(arrivals.own),
        "cpu": round(result.cpu, 3),
        "bottleneck": result.is_bottleneck,
        "deliveries": arrivals.deliveries,
        "deliveriesPerSecond": round(arrivals.deliveries / result.seconds, 1),
        "writes": writer.answered,
        "writesFailed": writer.failed,
        "writesRepeated": writer.repeated,
        "reconnects": {str(code): count for code, count in sorted(result.closes.items())},
        "gateways": len(result.gateways),
        "losses": result.losses,
        "missed": sum(client.ledger.missed for client in clients),
        "doubled": sum(client.ledger.doubled for client in clients),
        "outOfOrder": sum(client.ledger.late for client in clients),
        "unheard": arrivals.unheard,
    }


def _percentiles(times: Histogram) -> dict[str, float | None]:
    shares = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    found = {name: times.percentile(share) for name, share in shares.items()}
    return {name: None if value is None else round(value * 1000, 3) for name, value in found.items()}


def _shown(times: Histogram, share: float) -> str:
    found = times.percentile(share)
    return "unknown" if found is None else f"{found * 1000:.1f} ms"
