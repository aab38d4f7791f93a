"""What polling costs: short polls beside the same through Django REST framework, and a thousand long ones.

    python -m benchmarks.polling [--seconds S] [--pollers N]

One gateway process on the first core; the clients, PostgreSQL and Redis on the second. Both endpoints are in
that same process (benchmarks/peers/plain_events.py), and wrk asks them in turn, over 64 connections. A long
poller's time is from just before the commit of an event to the last byte of the answer that has it.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.rig_service import Board, Service, keep, percentile, person, token_of

SERVER_CORE, OTHERS_CORE = 0, 1
CONNECTIONS = 64
BEHIND = 20
EVENTS = 20
PAUSE_SECONDS = 0.5
PROGRAM = ("-m", "benchmarks.peers.plain_events")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--pollers", type=int, default=1000)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed: apt-get install wrk")
    os.sched_setaffinity(0, {OTHERS_CORE})
    with Service(program=PROGRAM) as service:
        owner = person("owner")
        board = Board(owner, tasks=BEHIND)
        writer = Writer(board, owner)
        for _ in range(2 * BEHIND):
            writer.write()
        service.start()
        pin(service.gateways[0].process.pid, SERVER_CORE)
        token = token_of(owner)
        short = Short(service, board.id, token, given.seconds).all(writer.head())
        long = asyncio.run(Long(service, board.id, token, writer).run(given.pollers))
    show(short, long)
    keep("polling", {"connections": CONNECTIONS, "seconds": given.seconds, "short": short, "long": long})


def pin(pid: int, core: int) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


class Writer:
    """Writes as the service itself does, from this process."""

    def __init__(self, board: Board, owner: Any) -> None:
        self.board, self.owner, self.written = board, owner, 0

    def write(self) -> float:
        """Change a task; the moment just before, on the monotonic clock."""
        from projects import services

        self.written += 1
        task = UUID(self.board.tasks[self.written % len(self.board.tasks)])
        began = time.monotonic()
        services.task_update(
            actor=self.owner, task_id=task, changes={"title": f"Renamed {self.written} times"}
        )
        return began

    def head(self) -> int:
        from projects.rooms import PROJECT
        from realtime import eventlog
        from realtime.rooms import Room

        return eventlog.head(Room(PROJECT, self.board.id))


class Short:
    """Requests a second, by wrk, of each endpoint in turn."""

    def __init__(self, service: Service, board: str, token: str, seconds: int) -> None:
        self.service, self.board, self.token, self.seconds = service, board, token, seconds

    def all(self, head: int) -> list[dict[str, Any]]:
        cases = {
            "nothing new, 304": (head, {"If-None-Match": f'"{head}"'}),
            "nothing new, 200": (head, {}),
            f"{BEHIND} events": (head - BEHIND, {}),
        }
        rows = []
        for name, (since, headers) in cases.items():
            for way in ("plain/", "", "plain/", ""):
                found = self.ask(f"/api/{way}projects/{self.board}/events/?since={since}", headers)
                rows.append({"case": name, "way": "view and database" if way else "ours", **found})
        return rows

    def ask(self, path: str, headers: dict[str, str]) -> dict[str, Any]:
        url = self.service.gateways[0].http_url + path
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        options = [f"-H{name}: {value}" for name, value in sent.items()]
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds}s", "--latency", *options, url]
        before = self.service.seconds()
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        after = self.service.seconds()
        if "Non-2xx" in said and "If-None-Match" not in headers:
            sys.exit(f"{path} was refused:\n{said}")
        rate = float(_find(r"Requests/sec:\s+([\d.]+)", said))
        return {
            "requests_per_s": rate,
            "p99_ms": _milliseconds(_find(r"99%\s+([\d.]+\w+)", said)),
            "gateway_cpu": (after["gateway"] - before["gateway"]) / self.seconds,
        }


def _find(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        sys.exit(f"wrk said something unexpected:\n{text}")
    return found[1]


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


class Long:
    """Long polls, each with a connection of its own that is kept."""

    def __init__(self, service: Service, board: str, token: str, writer: Writer) -> None:
        self.service, self.board, self.writer = service, board, writer
        self.port = service.gateways[0].port
        self.request = (
            f"GET /api/projects/{board}/events/?since={{since}}&wait=30000 HTTP/1.1\r\n"
            f"Host: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
        self.answered: list[float] = []

    async def run(self, pollers: int) -> dict[str, Any]:
        pid = self.service.gateways[0].process.pid
        threads, memory = _status(pid, "Threads"), _status(pid, "VmRSS")
        opened = [await asyncio.open_connection("127.0.0.1", self.port) for _ in range(pollers)]
        since = await asyncio.to_thread(self.writer.head)
        waits: list[float] = []
        held: dict[str, int] = {}
        for turn in range(EVENTS):
            asking = [asyncio.create_task(self._poll(*each, since)) for each in opened]
            await asyncio.sleep(PAUSE_SECONDS + pollers / 1000)
            if not turn:
                held = {
                    "threads": _status(pid, "Threads") - threads,
                    "memory_kb": _status(pid, "VmRSS") - memory,
                }
            began = await asyncio.to_thread(self.writer.write)
            ends = await asyncio.gather(*asking)
            since = ends[0][1]
            if any(seq != since for _, seq in ends):
                sys.exit("not every poller was given the same events")
            waits += [1000 * (at - began) for at, _ in ends]
        for _, writer in opened:
            writer.close()
        told = {f"p{share}_ms": percentile(waits, share / 100) for share in (50, 99)}
        return {"pollers": pollers, "events": EVENTS, **told, "max_ms": max(waits), "held": held}

    async def _poll(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, since: int
    ) -> tuple[float, int]:
        writer.write(self.request.format(since=since).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(_find(r"(?i)content-length: (\d+)", head.decode()))
        body = await reader.readexactly(length)
        at = time.monotonic()
        return at, json.loads(body)["seq"]


def _status(pid: int, name: str) -> int:
    return int(_find(rf"{name}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()))


def show(short: list[dict[str, Any]], long: dict[str, Any]) -> None:
    print(f"{'short polls':22} {'way':20} {'requests/s':>12} {'p99 ms':>10} {'gateway CPU':>12}")
    for row in short:
        rate, p99, cpu = row["requests_per_s"], row["p99_ms"], row["gateway_cpu"]
        print(f"{row['case']:22} {row['way']:20} {rate:12,.0f} {p99:10.1f} {cpu:12.0%}")
    held = long["held"]
    print(
        f"{long['pollers']} long polls, {long['events']} events: p50 {long['p50_ms']:.0f} ms, "
        f"p99 {long['p99_ms']:.0f} ms, longest {long['max_ms']:.0f} ms; while held {held['threads']} more "
        f"threads, {held['memory_kb'] / long['pollers']:.1f} KiB each"
    )


if __name__ == "__main__":
    main()
