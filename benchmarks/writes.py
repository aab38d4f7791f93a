"""How long a write takes until a client sees it, and how many there can be.

    python -m benchmarks.writes [--seconds S] [--gateways N] [--fast] [--watchers N]
    python -m benchmarks.writes --middleware

Tasks are created, changed and moved in equal shares over HTTP, each with an Idempotency-Key as the page sends
it, on gateway processes with PostgreSQL and Redis; one WebSocket client watches. `latency` is from the first
byte of the request to the end of its answer; `to client` from the `at` of the event, which is taken in the
transaction before it commits, to its arrival at the watcher: an upper bound of commit-to-client. One project
is watched by a crowd, too; who takes the times has joined last, and so is the last to be written to.

--fast: a PostgreSQL that does not wait for its disk, as in the tests.
--middleware: what each middleware costs, of a view that does nothing and of a change of a task.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvloop

from benchmarks import rig_middleware
from benchmarks.fan.crowd import Crowd
from benchmarks.fan.ours import script
from benchmarks.rig_lines import Line, request, watch
from benchmarks.rig_service import Board, Service, keep, percentile, person, token_of

PROJECTS, TASKS, MEMBERS = 50, 40, 5
KINDS = ("create", "change", "move")
PACED_LINES, OPEN_LINES, CLOSED_LINES = 4, 64, 16
WARM_SECONDS = SETTLE_SECONDS = 3.0


class Desk:
    """One board and whoever writes there: makes requests, each under a key of its own."""

    def __init__(self, board: Board, token: str) -> None:
        self.board = board
        self.token = token
        self._count = 0
        self._random = random.Random(board.id)  # noqa: S311

    def next(self) -> tuple[str, str, bytes]:
        """Kind, key and request."""
        self._count += 1
        kind = KINDS[self._count % len(KINDS)]
        key = f"{self.board.id[:8]}-{self._count}"
        path, body = getattr(self, kind)()
        method = "PATCH" if kind == "change" else "POST"
        sent = request(method, path, self.token, orjson.dumps(body), Idempotency_Key=key)
        return kind, key, sent

    def create(self) -> tuple[str, dict[str, Any]]:
        body = {"title": f"Task {self._count}", "description": "To be done.", "labels": ["benchmark"]}
        return f"/api/projects/{self.board.id}/tasks/", {
            **body,
            "column": self._random.choice(self.board.columns),
        }

    def change(self) -> tuple[str, dict[str, Any]]:
        return f"/api/tasks/{self._random.choice(self.board.tasks)}/", {"title": f"Title {self._count}"}

    def move(self) -> tuple[str, dict[str, Any]]:
        task, after = self._random.sample(self.board.tasks, 2)
        body = {
            "column": self._random.choice(self.board.columns),
            "after": self._random.choice([after, None]),
        }
        return f"/api/tasks/{task}/move/", body


class Phase:
    """What is noted of the writes of one phase."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.late: list[float] = []
        self.heard: list[float] = []
        self.sent_at: dict[str, float] = {}
        self.seen: list[float] = []
        self.failed = 0

    def hear(self, event: dict[str, Any], now: float) -> None:
        self.heard.append((now - _epoch(event["at"])) * 1000)
        if (began := self.sent_at.pop(event["mutationId"], None)) is not None:
            self.seen.append((now - began) * 1000)

    async def write(self, line: Line, desk: Desk) -> None:
        kind, key, sent = desk.next()
        began = self.sent_at[key] = time.time()
        answer = await line.ask(sent)
        self.taken[kind].append((time.time() - began) * 1000)
        self.failed += answer.status not in (200, 201)
        if answer.status not in (200, 201) and self.failed == 1:
            sys.stderr.write(f"{answer.status} {answer.body[:300]!r}\n")


class Run:
    def __init__(self, service: Service, desks: list[Desk], seconds: float, watchers: int) -> None:
        self.service = service
        self.desks = desks
        self.seconds = seconds
        self.watchers = watchers
        self.ports = [gateway.port for gateway in service.gateways]
        self.phase = Phase()

    async def all(self) -> list[dict[str, Any]]:
        room = self.desks[0]
        await self.closed([room], 4, WARM_SECONDS)
        async with self.watched(room, self.watchers):
            name = f"20/s, one project, {self.watchers:,} watch"
            rows = [await self.measured(name, self.paced([room], 20, PACED_LINES))]
        async with self.watched(room):
            closed = self.closed(self.desks, 1, self.seconds)
            rows.append(await self.measured("closed loop, 1 line", closed))
            rows.append(await self.measured("500/s, 50 projects", self.paced(self.desks, 500, OPEN_LINES)))
            closed = self.closed(self.desks, CLOSED_LINES, self.seconds)
            rows.append(await self.measured(f"as many as go, {CLOSED_LINES} lines", closed))
        return rows

    async def measured(self, name: str, work: Any) -> dict[str, Any]:
        self.phase = phase = Phase()
        self.service.statements(reset=True)
        before, began = self.service.seconds(), time.perf_counter()
        await work
        seconds = time.perf_counter() - began
        after = self.service.seconds()
        statements = sum(calls for calls, _, _ in self.service.statements())
        taken = [each for times in phase.taken.values() for each in times]
        await asyncio.sleep(0.5)
        return {
            "case": name,
            "writes": len(taken),
            "perSecond": round(len(taken) / seconds, 1),
            "failed": phase.failed,
            "latencyMs": _spread(taken),
            "byKindMs": {kind: _spread(times) for kind, times in phase.taken.items()},
            "commitToClientMs": _spread(phase.heard),
            "requestToClientMs": _spread(phase.seen),
            "startedLateMs": _spread(phase.late),
            "cores": {who: round((after[who] - before[who]) / seconds, 2) for who in after},
            "cpuMsPerWrite": {
                who: round((after[who] - before[who]) * 1000 / max(1, len(taken)), 2) for who in after
            },
            "statementsPerWrite": round(statements / max(1, len(taken)), 1),
        }

    async def closed(self, desks: list[Desk], lines: int, seconds: float) -> None:
        """Each line writes again as soon as it has its answer."""
        ends = time.perf_counter() + seconds

        async def go(number: int) -> None:
            line = await Line.to(self.ports[number % len(self.ports)])
            turn = number
            while time.perf_counter() < ends:
                await self.phase.write(line, desks[turn % len(desks)])
                turn += lines
            line.close()

        await asyncio.gather(*(go(number) for number in range(lines)))

    async def paced(self, desks: list[Desk], rate: float, lines: int) -> None:
        """A write each 1/rate s, whatever has become of those before; `late`: the wait for a free line."""
        free: asyncio.Queue[Line] = asyncio.Queue()
        for number in range(lines):
            free.put_nowait(await Line.to(self.ports[number % len(self.ports)]))
        phase = self.phase

        async def one(number: int, due: float) -> None:
            line = await free.get()
            phase.late.append((time.perf_counter() - due) * 1000)
            try:
                await phase.write(line, desks[number % len(desks)])
            finally:
                free.put_nowait(line)

        began, tasks = time.perf_counter(), []
        for number in range(int(rate * self.seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number, due)))
        await asyncio.gather(*tasks)
        while not free.empty():
            free.get_nowait().close()

    @asynccontextmanager
    async def watched(self, room: Desk, crowd: int = 0) -> AsyncIterator[None]:
        """One client, which takes the times, and before it a crowd that only listens."""
        port, token, board = self.ports[-1], room.token, room.board.id
        others = await asyncio.to_thread(_joined, port, token, board, crowd) if crowd else None
        watching = await watch(port, token, board, lambda event, now: self.phase.hear(event, now))
        await asyncio.sleep(SETTLE_SECONDS if crowd else 0)  # the audit writes down who has come
        try:
            yield
            if others is not None:
                assert others.state()["alive"] == crowd, "somebody of the crowd was put out"
        finally:
            watching.cancel()
            if others is not None:
                others.stop()


def _joined(port: int, token: str, board: str, count: int) -> Crowd:
    crowd = Crowd()
    crowd.set_script(script(port, token, board))
    crowd.connect(count)
    return crowd


def _epoch(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


def _spread(values: list[float]) -> dict[str, float]:
    return {f"p{share}": round(percentile(values, share / 100), 2) for share in (50, 95, 99)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--gateways", type=int, default=1)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--middleware", action="store_true")
    given = parser.parse_args()
    if given.middleware:
        rig_middleware.measure()
        return
    with Service(gateways=given.gateways, durable=not given.fast) as service:
        people = [person(f"writer-{number}") for number in range(PROJECTS)]
        desks = [Desk(Board(user, tasks=TASKS, members=MEMBERS), token_of(user)) for user in people]
        service.start()
        rows = uvloop.run(Run(service, desks, given.seconds, given.watchers).all())
    show(rows)
    about = {"gateways": given.gateways, "durable": not given.fast, "seconds": given.seconds}
    keep("writes" if not given.fast else "writes-fast", {**about, "rows": rows})


def show(rows: list[dict[str, Any]]) -> None:
    write = sys.stdout.write
    write(f"{'':34}{'writes/s':>9}{'failed':>8}{'latency p50':>13}{'p99':>9}{'to client p50':>15}{'p99':>9}")
    write(f"{'cores: gateway':>16}{'PG':>6}{'client':>8}{'gateway ms':>12}{'PG ms':>7}{'statements':>12}\n")
    for row in rows:
        latency, heard, cores, each = (
            row[name] for name in ("latencyMs", "commitToClientMs", "cores", "cpuMsPerWrite")
        )
        write(
            f"{row['case']:34}{row['perSecond']:9.1f}{row['failed']:8}{latency['p50']:13.1f}{latency['p99']:9.1f}"
            f"{heard['p50']:15.1f}{heard['p99']:9.1f}{cores['gateway']:16.2f}{cores['postgresql']:6.2f}"
            f"{cores['client']:8.2f}{each['gateway']:12.2f}{each['postgresql']:7.2f}"
            f"{row['statementsPerWrite']:12.1f}\n"
        )


if __name__ == "__main__":
    main()
