"""One trial: load on the service, a fault in the middle of it, and a verdict at the end."""

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import psycopg

from tests.faults.checker import Verdict, check_log, check_operations, check_replay, check_replica
from tests.faults.clients import LONG_POLL_MS, Client, crowd, gather_quietly
from tests.faults.cluster import GATEWAYS, Cluster, Node
from tests.faults.history import History
from tests.faults.timing import convergence, slowest_delivery
from tests.faults.watch import Watch
from tests.faults.writers import Writer, new_key
from tests.support.api import Api, bearer, log_in
from tests.support.boards import Board
from tests.support.people import EDITOR, OWNER, Person
from tests.support.reducer import Snapshot

AnyClient = TypeVar("AnyClient", bound=Client)
PROJECTS, CLIENTS, WRITERS = 2, 20, 5
JOIN_SECONDS = 20.0
STEADY_SECONDS = 1.5
AFTER_SECONDS = 1.5
HEALTHY_SECONDS, HEALING_SECONDS = 1.0, 5.0  # the promise
PATIENCE_SECONDS = 25.0
BACK_SECONDS = 10.0  # the longest pause of a client of ours, its connect and its join
UNGUARDED = re.compile(rb"(?:Task|Future) exception was never retrieved\s+.*")
MEMORY_BYTES = 80 * 1024 * 1024  # that a gateway may grow by in a trial

# Threads that live as long as the run: a process ends with the thread that started it (PR_SET_PDEATHSIG).
_hands = ThreadPoolExecutor(2 * GATEWAYS)


@dataclass(slots=True)
class Line:
    """A row of the report."""

    fault: str
    injected: str = ""
    writes: int = 0
    unknown: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    back: float = 0.0  # seconds from the fault's end until the last client was connected
    slowest: float = 0.0  # seconds from then until the last client was level
    delivery: float = 0.0  # seconds from a write's answer until the last connected client had its event
    write: float = 0.0  # seconds that the slowest answered write took
    memory: int = 0
    traces: dict[str, float] = field(default_factory=dict)
    passed: bool = False


class Trial:
    """`async with` it: clients and writers are at work; at the end they settle and are judged.

    traces: the metrics that name the fault, each of which must have moved
    back: seconds after the fault's end in which every client must be connected again
    bound: seconds after that in which every connected client must be level
    delivery: seconds in which every connected client must have an answered write, all through the trial
    patience: seconds to wait for them all the same, so that what took too long is a number
    """

    def __init__(
        self,
        cluster: Cluster,
        line: Line,
        seed: str,
        folder: Path,
        *,
        traces: tuple[str, ...] = (),
        clients: int = CLIENTS,
        writers: int = WRITERS,
        back: float = BACK_SECONDS,
        bound: float = HEALING_SECONDS,
        delivery: float | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.cluster = cluster
        self.line = line
        self.seed = seed
        self.back = back
        self.bound = bound
        self.delivery = delivery
        self.patience = patience
        self.verdict = Verdict()
        self.history = History(folder / "history.jsonl")
        self.clients: list[Client] = []
        self.writers: list[Writer] = []
        self.boards: list[Board] = []
        self._traces = traces
        self._sizes = clients, writers
        self._tokens: dict[Person, str] = {}
        self._following: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []
        self.watch = Watch(cluster)
        self._open = ExitStack()
        self._ended: float | None = None
        self._heads: dict[str, int] = {}
        self._answered = 0
        self._logged = [node.gateway.log.stat().st_size for node in cluster.nodes]

    # --- before -------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.watching = asyncio.create_task(self.watch.run())
        self._tokens = {p: log_in(self.cluster.url, p) for p in (OWNER, EDITOR)}
        timeout = httpx.Timeout(LONG_POLL_MS / 1000 + 3, connect=3)
        self._http = httpx.AsyncClient(base_url=self.cluster.url, timeout=timeout, limits=httpx.Limits())
        self.boards = [Board(self.api(OWNER), f"Board {n + 1}") for n in range(PROJECTS)]
        clients, writers = self._sizes
        for place, kind in enumerate(crowd(clients)):
            self.add_client(f"{kind.__name__}-{place}", kind, self.boards[place % PROJECTS].id)
        connected = await self.everybody_connected()
        assert connected, (
            f"not connected: {[c.replica.name for c in self.clients if not c.replica.connected]}"
        )
        for number in range(writers):
            self.add_writer(f"writer-{number}", self.boards[number % PROJECTS].id)
        await self.go_on(STEADY_SECONDS)
        return self

    def api(self, person: Person) -> Api:
        """A REST client of this person's, by way of the balancer."""
        return self._open.enter_context(closing(Api(self.cluster.url, self._tokens[person])))

    def token(self, person: Person) -> str:
        return self._tokens[person]

    def rng(self, name: str) -> random.Random:
        return random.Random(f"{self.seed} {name}")

    def add_client(self, name: str, kind: type[AnyClient], project: str, url: str | None = None) -> AnyClient:
        person = (OWNER, EDITOR)[len(self.clients) % 2]
        url = url or (self.cluster.sticky_url if kind.sticky else self.cluster.url)
        client = kind(name, project, url, self._tokens[person], self.rng(name), self._http)
        self.clients.append(client)
        self._following.append(asyncio.create_task(client.run()))
        return client

    def add_writer(self, name: str, project: str, url: str | None = None) -> Writer:
        person = (OWNER, EDITOR)[len(self.writers) % 2]
        token = self._tokens[person]
        writer = Writer(name, project, url or self.cluster.url, token, self.rng(name), self.history)
        self.writers.append(writer)
        self._writing.append(asyncio.create_task(writer.run()))
        return writer

    async def everybody_connected(self, seconds: float = JOIN_SECONDS) -> bool:
        return await self.until(lambda: all(c.replica.connected for c in self.clients), seconds)

    async def until(self, condition: Callable[[], object], seconds: float) -> bool:
        """Whether it came to hold in time, while everybody goes on."""
        deadline = time.monotonic() + seconds
        while not condition():
            self._look_after()
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    async def go_on(self, seconds: float) -> None:
        """Let everybody work for so long."""
        await self.until(lambda: False, seconds)

    async def mark(self) -> None:
        """The fault begins: only metrics that move from here on are its trace."""
        await self.watch.mark()
        self._answered = self.history.count("answered")

    def snapshot(self, project: str) -> Snapshot:
        """The board, as the database has it."""
        path = f"{self.cluster.nodes[0].gateway.http_url}/api/projects/{project}/board/"
        headers = bearer(self._tokens[OWNER])
        answer = httpx.get(path, params={"include": "commentCounts"}, headers=headers, timeout=10)
        found: Snapshot = answer.raise_for_status().json()
        return found

    async def send(
        self,
        writer: str,
        kind: str,
        project: str,
        nodes: Sequence[Node],
        body: dict[str, Any],
        task: str = "",
    ) -> list[httpx.Response]:
        """One write of the history, sent to each of these gateways at once under one key; what they answered.

        `kind` is task:created, or task:moved for the `task`.
        """
        key = new_key(self.rng(f"{writer} {len(self.history.operations)}"))
        operation = self.history.invoke(writer, kind, project, key)
        operation.attempts = len(nodes)
        path = f"/api/tasks/{task}/move/" if task else f"/api/projects/{project}/tasks/"
        headers = bearer(self._tokens[OWNER], **{"Idempotency-Key": key})
        sent = [self._http.post(n.gateway.http_url + path, json=body, headers=headers) for n in nodes]
        found = await asyncio.gather(*sent, return_exceptions=True)
        answers = [answer for answer in found if not isinstance(answer, BaseException)]
        for failure in found:
            if isinstance(failure, BaseException) and not isinstance(failure, httpx.HTTPError):
                raise failure
        self.history.end(operation, answers[0] if answers else None)
        return answers

    def _look_after(self) -> None:
        """A client or a writer that broke is a broken rig: say so at once."""
        for task in (*self._following, *self._writing):
            if task.done() and not task.cancelled():
                task.result()

    # --- the fault ----------------------------------------------------------------------------

    @asynccontextmanager
    async def fault(self, injected: str) -> AsyncIterator[None]:
        """What happens inside is the fault; it has ended when the block ends."""
        self.line.injected = injected
        await self.mark()
        yield
        self._heads = self.heads()
        self._ended = time.monotonic()

    def writes_went_on(self, least: int = 10) -> None:
        """Demand that the fault, up to now, has failed no write and held up none for good."""
        answered = self.history.count("answered") - self._answered
        self.demand(answered >= least, f"only {answered} writes were answered meanwhile")
        unknown = self.history.count("unknown")
        self.demand(not unknown, f"{unknown} writes got no answer though the database was there")

    async def in_thread(self, work: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Do what blocks, a restart say, while everybody goes on."""
        do = partial(work, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(_hands, do)

    # --- after --------------------------------------------------------------------------------

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._settle()
                self.line.passed = not self.verdict.problems
        finally:
            await gather_quietly([*self._following, *self._writing, self.watching])
            await self._http.aclose()
            self.history.close()
            self._open.close()
        if error is None:
            assert not self.verdict.problems, "\n".join(
                ["seed " + self.seed, *self.verdict.problems[:20], f"history: {self.history.path}"]
            )

    async def _settle(self) -> None:
        if self._ended is not None:
            await self.go_on(AFTER_SECONDS)
        for writer in self.writers:
            writer.stopping = True
        await asyncio.gather(*self._writing)
        stopped, heads = time.monotonic(), self.heads()
        await self.until(lambda: all(self._is_level(c, heads) for c in self.clients), self.patience)
        self._time(self._heads or heads, self._ended or stopped)
        self._time(heads, stopped)
        await self.watch.look()
        self._judge(heads)

    def _is_level(self, client: Client, heads: dict[str, int]) -> bool:
        return client.replica.seq >= heads[client.replica.project]

    def _time(self, heads: dict[str, int], since: float) -> None:
        """How long the slowest client took: to be connected again, and from then on to be level."""
        for client in self.clients:
            replica = client.replica
            back, took = convergence(replica, heads[replica.project], since)
            self.line.back, self.line.slowest = max(self.line.back, back), max(self.line.slowest, took)
            if took > self.bound:
                self.verdict.blame(f"{replica.name} was level {took:.2f} s after, allowed are {self.bound:g}")
            if back > self.back:
                self.verdict.blame(f"{replica.name} came back {back:.2f} s after, allowed are {self.back:g}")

    def _time_deliveries(self, log: list[dict[str, Any]], project: str) -> None:
        """How long an answered write took to reach those who were connected all the while."""
        seqs = {event["mutationId"]: event["seq"] for event in log}
        answered = [(seqs[o.key], o.ended) for o in self.history.operations if o.ended and o.key in seqs]
        for client in self.clients:
            if client.replica.project == project:
                worst = slowest_delivery(client.replica, answered)
                self.line.delivery = max(self.line.delivery, worst)
                if self.delivery is not None and worst > self.delivery:
                    name = client.replica.name
                    self.verdict.blame(
                        f"{name} had a write {worst:.2f} s after, allowed are {self.delivery:g}"
                    )

    def _judge(self, heads: dict[str, int]) -> None:
        verdict, operations = self.verdict, self.history.operations
        for board in self.boards:
            log, database = self.log(board.id), self.snapshot(board.id)
            check_log(verdict, board.id, log, heads[board.id])
            check_operations(verdict, [o for o in operations if o.project == board.id], log)
            check_replay(verdict, log, database)
            self._time_deliveries(log, board.id)
            for client in self.clients:
                if client.replica.project == board.id:
                    check_replica(verdict, client.replica, database)
            self.line.events += len(log)
        for what, grown in self.watch.growth().items():
            self.line.memory = max(self.line.memory, grown)
            if grown > MEMORY_BYTES:
                verdict.blame(f"{what} grew by {grown / 2**20:.0f} MiB")
        for node, start in zip(self.cluster.nodes, self._logged, strict=True):
            for failed in UNGUARDED.findall(node.gateway.log.read_bytes()[start:]):
                verdict.blame(f"a task of {node.gateway.name} failed without a guard: {failed.decode()}")
        for series in self._traces:
            moved = self.line.traces[series] = self.watch.moved(series)
            if not moved:
                verdict.blame(f"the fault left no trace: {series} did not move")
        self._report(verdict)

    def _report(self, verdict: Verdict) -> None:
        line, history = self.line, self.history
        line.writes, line.unknown = history.count("answered"), history.count("unknown")
        line.lost, line.doubled, line.write = verdict.lost, verdict.doubled, history.slowest()
        if self.writers and not line.writes:
            verdict.blame("nothing was written: that proves nothing")

    def trace(self, name: str, value: float) -> None:
        """Note what shows, elsewhere than in the gateways' metrics, that the fault was there."""
        self.line.traces[name] = value
        if not value:
            self.verdict.blame(f"the fault left no trace: {name}")

    def demand(self, holds: object, otherwise: str) -> None:
        """A condition of this trial's own; the trial goes on and is judged at its end."""
        if not holds:
            self.verdict.blame(otherwise)

    def closes(self, since: float) -> list[list[tuple[float, int]]]:
        """When, by the monotonic clock, and with which code sockets were closed: a list for each client."""
        found = ([close for close in client.closes if close[0] >= since] for client in self.clients)
        return [closes for closes in found if closes]

    def log(self, project: str) -> list[dict[str, Any]]:
        """The whole log of a project, from the database itself."""
        query = "SELECT envelope::json FROM realtime_event WHERE room = %s ORDER BY seq"
        with psycopg.connect(self.cluster.postgres.url("board")) as connection:
            return [envelope for (envelope,) in connection.execute(query, (f"project:{project}",))]

    def heads(self) -> dict[str, int]:
        """seq of each project's newest event, from the database itself."""
        query = "SELECT room, seq FROM realtime_roomhead"
        with psycopg.connect(self.cluster.postgres.url("board")) as connection:
            rows = connection.execute(query).fetchall()
        return {room.removeprefix("project:"): seq for room, seq in rows}
