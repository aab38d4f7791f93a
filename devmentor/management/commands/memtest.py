"""A memory test of a running gateway, which fails where its memory keeps growing."""

import json as json_module
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.core.management.base import CommandError

from devmentor.loadtesting import options as read
from devmentor.loadtesting.trend import LEAST_VALUES, Trend
from devmentor.loadtesting.waves import WARM_UP, Plan, Wave, verdict, waves
from devmentor.management.loading import LoadCommand

MOST_WAVES = 1000
SECONDS = 86_400  # that the token of a run holds


class Command(LoadCommand):
    help = (
        "Connect a wave of WebSocket clients to a running gateway, let them hear some changes and leave, "
        "again and again, and print the memory that the gateway holds after each wave, as its /metrics tell "
        "it. Ends with 1 where that keeps growing. Run it where nobody else connects."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--waves",
            default="10",
            metavar="N",
            help=f"that count, {LEAST_VALUES} to {MOST_WAVES} (%(default)s), after {WARM_UP} that warm up",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        connections = read.connections(options)
        plan = Plan(connections, read.whole(options, "waves", LEAST_VALUES, MOST_WAVES))
        read.make_room_for(connections)
        json = options["json"]

        def show(wave: Wave) -> None:
            if not json:
                self.stdout.write(row(wave))
                self.stdout.flush()

        def tell(found: list[Wave]) -> None:
            judged = verdict(found, connections)
            self.stdout.write(
                json_module.dumps(as_json(plan, found, judged)) if json else sentence(plan, judged)
            )
            if judged.is_growing:
                raise CommandError(f"memory keeps growing, by {judged.slope / 1024:.0f} KiB a wave")

        self.visit(options, SECONDS, partial(waves, plan, show), tell)


def row(wave: Wave) -> str:
    note = "" if wave.counts else "  warming up"
    return f"wave {wave.number:3}  {wave.memory / 2**20:8.1f} MiB  {wave.growth / 1024:+7.0f} KiB{note}"


def sentence(plan: Plan, judged: Trend) -> str:
    each = judged.slope / plan.connections / 1024
    told = f"Growth: {judged.slope / 1024:.0f} KiB a wave, {each:.1f} KiB a client"
    leak = f"A steady rise by more than {judged.threshold / 1024:.0f} KiB a wave is a leak"
    found = f"this {'is one' if judged.is_growing else 'is none'} (p = {judged.chance:.2g})"
    return f"{told}: the median of all pairs of {plan.waves} waves.\n{leak}; {found}."


def as_json(plan: Plan, found: list[Wave], judged: Trend) -> dict[str, Any]:
    return {
        "connections": plan.connections,
        "waves": [
            {
                "wave": wave.number,
                "residentBytes": wave.memory,
                "growthBytes": wave.growth,
                "counts": wave.counts,
            }
            for wave in found
        ],
        "growthPerWaveBytes": round(judged.slope),
        "thresholdBytes": round(judged.threshold),
        "chance": judged.chance,
        "growing": judged.is_growing,
    }
