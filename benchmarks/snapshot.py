"""How long a board takes to load, and to be found unchanged.

    python -m benchmarks.snapshot [--tasks N] [--times N]

GET /api/projects/{id}/board/ over HTTP from a gateway process on PostgreSQL, one client, one request after
the other. `read`: the same board again and again; `after a write`: a task is changed before each read, so
that nobody has this state ready; `304`: with If-None-Match. Statements are PostgreSQL's own count for one
request.
"""

import argparse
import sys
import time
from typing import Any

from benchmarks.rig_lines import Caller, request
from benchmarks.rig_service import Board, Service, keep, percentile, person, token_of

MEMBERS = 20
WARM = 30
QUIET = {"BEGIN", "COMMIT", "ROLLBACK"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--times", type=int, default=300)
    given = parser.parse_args()
    with Service() as service:
        owner = person("owner")
        board = Board(owner, tasks=given.tasks, members=MEMBERS)
        small = Board(owner, tasks=20)
        service.start()
        found = Measure(service, token_of(owner)).all(board, small, given.times)
    show(given.tasks, found)
    keep("snapshot", {"tasks": given.tasks, "members": MEMBERS, "times": given.times, "rows": found})


class Measure:
    def __init__(self, service: Service, token: str) -> None:
        self.service = service
        self.token = token
        self.caller = Caller(service.gateways[0].port)

    def all(self, board: Board, small: Board, times: int) -> list[dict[str, Any]]:
        path = f"/api/projects/{board.id}/board/"
        read = request("GET", path, self.token)
        rows = [self.row("read", read, times)]
        rows.append(self.row("read, after a write", read, times, change=board))
        counts = request("GET", f"{path}?include=commentCounts", self.token)
        rows.append(self.row("with comment counts, after a write", counts, times // 3, change=board))
        rows.append(
            self.row("20 tasks", request("GET", f"/api/projects/{small.id}/board/", self.token), times)
        )
        tag = self.caller.ask(read).header("ETag")
        rows.append(self.row("304", request("GET", path, self.token, If_None_Match=tag), times))
        return rows

    def row(self, name: str, sent: bytes, times: int, change: Board | None = None) -> dict[str, Any]:
        """What `times` of them took; where there is a board to change, its change is not in the times."""
        for _ in range(WARM):
            self.caller.ask(sent)
        taken, spent, size = [], 0.0, 0
        for number in range(times):
            if change is not None:
                self.change(change, number)
            before, began = self.service.seconds(), time.perf_counter()
            answer = self.caller.ask(sent)
            taken.append((time.perf_counter() - began) * 1000)
            spent += self.service.seconds()["gateway"] - before["gateway"]
            size = len(answer.body)
            assert answer.status == (304 if name == "304" else 200), answer
        return {
            "case": name,
            "p50Ms": round(percentile(taken, 0.5), 2),
            "p99Ms": round(percentile(taken, 0.99), 2),
            "gatewayCpuMs": round(spent * 1000 / times, 1),
            "bytes": size,
            "statements": self.statements(sent, change),
        }

    def change(self, board: Board, number: int) -> None:
        body = b'{"title":"Another title %d"}' % time.time_ns()
        path = f"/api/tasks/{board.tasks[number % len(board.tasks)]}/"
        assert self.caller.ask(request("PATCH", path, self.token, body)).status == 200

    def statements(self, sent: bytes, change: Board | None) -> int:
        """The least of a few: the gateway's clock asks now and then, too."""
        counted = []
        for number in range(5):
            if change is not None:
                self.change(change, number)
            self.service.statements(reset=True)
            self.caller.ask(sent)
            found = self.service.statements()
            counted.append(sum(calls for calls, _, text in found if not _is_clock(text)))
        return min(counted)


def _is_clock(statement: str) -> bool:
    """What brackets a transaction, and what the gateway asks by the second whoever reads."""
    tables = ("gatewayprocess", "operatoraction", "connectionrecord", "policysetting", "gatewaysample")
    return statement.strip(";").upper() in QUIET or any(name in statement for name in tables)


def show(tasks: int, rows: list[dict[str, Any]]) -> None:
    write = sys.stdout.write
    write(f"a board of {tasks:,} tasks and {MEMBERS} members, PostgreSQL, one client\n")
    write(f"{'':36}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>8}{'bytes':>10}{'statements':>12}\n")
    for row in rows:
        write(
            f"{row['case']:36}{row['p50Ms']:9.2f}{row['p99Ms']:9.2f}{row['gatewayCpuMs']:8.1f}"
            f"{row['bytes']:10,}{row['statements']:12}\n"
        )


if __name__ == "__main__":
    main()
