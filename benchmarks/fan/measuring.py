"""The measurements, each of one server and one crowd. Every one is bounded in time."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.fan.crowd import Crowd, Report
from benchmarks.fan.rig import SERVER_CORE
from benchmarks.fan.stacks import Running, Stack
from benchmarks.fan.usage import core_seconds, cpu_seconds, resident_bytes

CONNECTS = 1000  # clients of the measurement of connects
CONNECT_TIMES = 3  # of which the median counts, after a first
CLOSING_SECONDS = 5.0  # what a server has to see to connections that were closed
LOOK_SECONDS, QUIET_SHARE = 0.4, 0.06  # it has, once it uses no more of a core than that
SETTLE_SECONDS = 3.0  # before memory is looked at
IDLE_SECONDS = 3.0  # over which the CPU of idle connections is counted
WARMUP_SECONDS = 1.0
RATE = 10.0  # events a second, of the latency
PACED_SECONDS = 10.0
WARM_EVENTS = 5  # before those that count
PATIENCE_SECONDS = 5.0  # for what has not come when the last event was published
WINDOWS = (4, 32)
FAULTS = ("losses", "duplicates", "closes")

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Session:
    """A server with its crowd connected and joined."""

    running: Running
    crowd: Crowd

    @property
    def pid(self) -> int:
        return self.running.server.process.pid

    @property
    def count(self) -> int:
        return int(self.crowd.state()["joined"])


@contextmanager
def started(stack: Stack, rest_us: int) -> Iterator[Session]:
    running = stack.start()
    try:
        crowd = Crowd(rest_us)
        try:
            crowd.set_feed(running.feed_port, running.template)
            yield Session(running, crowd)
        finally:
            crowd.stop()
    finally:
        running.stop()


def connects(stack: Stack, rest_us: int) -> Result:
    """Handshakes a second until each of CONNECTS clients is greeted; and, anew, until each has joined.

    `first`: of a server that has just started.
    """
    greeted, joined = [], []
    with started(stack, rest_us) as session:
        for _ in range(1 + CONNECT_TIMES):
            session.crowd.set_script(session.running.script, join=False)
            greeted.append(session.crowd.connect(CONNECTS))
            _disconnect(session)
            joined.append(_connect(session, CONNECTS))
            _disconnect(session)
    first, *greeted = greeted
    joined = joined[1:]
    found = {
        "first_per_s": first["greeted"] / first["greeted_seconds"],
        "greeted_per_s": statistics.median(run["greeted"] / run["greeted_seconds"] for run in greeted),
        "joined_per_s": statistics.median(run["joined"] / run["joined_seconds"] for run in joined),
        "failures": sum(run["failures"] for run in (first, *greeted, *joined)),
        "client_share": statistics.median(run["cpu"] / run["joined_seconds"] for run in joined),
    }
    return {"connects": found}


def fan_out(stack: Stack, count: int, seconds: float, rest_us: int) -> Result:
    """All that is measured with `count` clients in one room."""
    found: Result = {}
    work: dict[str, Callable[[Session], Result]] = {
        "paced": paced,
        **{f"loop_{window}": _loop_of(window, seconds) for window in WINDOWS},
    }
    while work:  # a new server after each measurement that left something undone
        with started(stack, rest_us) as session:
            if "memory" not in found:
                found["memory"] = memory(session, count)
            else:
                _connect(session, count)
            if session.running.writer is not None and "committed" not in found:
                work["committed"] = committed
            for name in list(work):
                found[name] = work.pop(name)(session)
                now = session.crowd.state()
                if found[name]["stalled"] or now["alive"] < now["joined"]:
                    break
    return found


def memory(session: Session, count: int) -> Result:
    """Connects the crowd: bytes for each idle joined connection, and what they cost while nothing happens."""
    _connect(session, 10)
    _disconnect(session)
    before = _settled_bytes(session)
    connected = _connect(session, count)
    after = _settled_bytes(session)
    cpu = cpu_seconds(session.pid)
    time.sleep(IDLE_SECONDS)
    return {
        "bytes_per_connection": (after - before) / count,
        "bytes_before": before,
        "joined": connected["joined"],
        "failures": connected["failures"],
        "idle_cpu_share": (cpu_seconds(session.pid) - cpu) / IDLE_SECONDS,
    }


def paced(session: Session) -> Result:
    """Latency from the publication to each client at RATE events a second."""
    events = int(RATE * PACED_SECONDS)
    with _counted(session) as result:
        session.crowd.pace(RATE, WARM_EVENTS, PATIENCE_SECONDS)
        report = session.crowd.pace(RATE, events, PATIENCE_SECONDS)
        result.update(_summary(report), missing=events * session.count - report["deliveries"])
    return result


def committed(session: Session) -> Result:
    """The same for events that another process commits: from just before it writes them to each client."""
    writer = session.running.writer
    assert writer is not None
    events = int(RATE * PACED_SECONDS)
    writer.continue_after(int(session.crowd.state()["next"]) - 1)
    with _counted(session) as result:
        session.crowd.watch(events, PACED_SECONDS + 2 * PATIENCE_SECONDS)
        told = writer.commit(RATE, events)
        report = session.crowd.watched(2 * PATIENCE_SECONDS)
        result.update(_summary(report), missing=events * session.count - report["deliveries"], **told)
    return result


def loop(session: Session, window: int, seconds: float) -> Result:
    """Deliveries a second with `window` events under way: one more as soon as every client has one."""
    with _counted(session) as result:
        report, after = session.crowd.loop(window, WARMUP_SECONDS, seconds)
        result.update(_summary(report), stalled=report["stalled"] or after["stalled"])
    return result


def _loop_of(window: int, seconds: float) -> Callable[[Session], Result]:
    return lambda session: loop(session, window, seconds)


@contextmanager
def _counted(session: Session) -> Iterator[Result]:
    """Adds the server's CPU seconds for 100,000 deliveries and what went wrong, over all that happens inside.

    Also the share of the server's core that others took: more than a few hundredths tell of a machine that
    was not quiet.
    """
    result: Result = {}
    cpu, core, before = cpu_seconds(session.pid), core_seconds(SERVER_CORE), session.crowd.state()
    began = time.monotonic()
    yield result
    after = session.crowd.state()
    deliveries = after["ever"] - before["ever"]
    used = cpu_seconds(session.pid) - cpu
    others = core_seconds(SERVER_CORE) - core - used
    result["cpu_per_100k"] = used / deliveries * 100_000 if deliveries else None
    result.update({fault: after[fault] - before[fault] for fault in FAULTS})
    result["disturbed"] = max(0.0, others / (time.monotonic() - began))


def _summary(report: Report) -> Result:
    return {
        "deliveries_per_s": report["deliveries"] / report["seconds"],
        "client_share": report["cpu"] / report["seconds"],
        "bytes_per_event": report["bytes"] / max(1, report["deliveries"]),
        **{name: report[name] for name in ("deliveries", "p50_ms", "p99_ms", "max_ms", "stalled")},
    }


def _connect(session: Session, count: int) -> Report:
    session.crowd.set_script(session.running.script)
    return session.crowd.connect(count)


def _disconnect(session: Session) -> None:
    """Close all, and wait until the server has seen to it."""
    session.crowd.close()
    deadline = time.monotonic() + CLOSING_SECONDS
    while time.monotonic() < deadline:
        cpu = cpu_seconds(session.pid)
        time.sleep(LOOK_SECONDS)
        if cpu_seconds(session.pid) - cpu < QUIET_SHARE * LOOK_SECONDS:
            return


def _settled_bytes(session: Session) -> int:
    session.running.settle()
    time.sleep(SETTLE_SECONDS)
    return resident_bytes(session.pid)
