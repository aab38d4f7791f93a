"""Frames and tasks of a page in a trace of Chromium's.

A frame is what the Long Animation Frames API calls one: from the start of the first task that leads to it to
the end of its rendering, scripts, style, layout and paint included.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"]
LONG_MS = 50

TraceEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Frames:
    """Milliseconds: each frame's, and each task's on the page's main thread, in no order.

    `processor`: what the tasks would have taken on a machine that did nothing else.
    """

    frames: list[float]
    tasks: list[float]
    processor: list[float]

    @property
    def long(self) -> int:
        return sum(length > LONG_MS for length in self.frames)

    @property
    def blocked(self) -> float:
        """What the tasks took beyond 50 ms each, together."""
        return sum(length - LONG_MS for length in self.tasks if length > LONG_MS)


def frames_of(trace: bytes) -> Frames:
    events: list[TraceEvent] = json.loads(trace)["traceEvents"]
    frames = list(_pairs(event for event in events if event.get("name") == "AnimationFrame"))
    threads = {_thread(event) for event in events if _is_main(event)}
    tasks = [
        event
        for event in events
        if event.get("name") == "RunTask" and "dur" in event and _thread(event) in threads
    ]
    lasted = [event["dur"] / 1000 for event in tasks]
    worked = [event["tdur"] / 1000 for event in tasks if "tdur" in event]
    return Frames(frames, lasted, worked)


def _pairs(events: Iterable[TraceEvent]) -> Iterable[float]:
    begun: dict[object, float] = {}
    for event in events:
        key = (event["pid"], event.get("id") or json.dumps(event.get("id2")))
        if event["ph"] == "b":
            begun[key] = event["ts"]
        elif event["ph"] == "e" and key in begun:
            yield (event["ts"] - begun.pop(key)) / 1000


def _is_main(event: TraceEvent) -> bool:
    return event.get("name") == "thread_name" and event["args"]["name"] == "CrRendererMain"


def _thread(event: TraceEvent) -> tuple[int, int]:
    return event["pid"], event["tid"]
