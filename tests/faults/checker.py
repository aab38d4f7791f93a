"""Reads a run's history against the log, the database's board and what each client shows."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.history import Operation
from tests.faults.replica import Replica
from tests.support.reducer import Snapshot, replay

# A move to where it stands already is answered and is no event.
MAY_CHANGE_NOTHING = {"task:moved", "column:moved"}


@dataclass(slots=True)
class Verdict:
    """`lost`: answered writes that the log does not hold. `doubled`: writes or frames that came twice."""

    lost: int = 0
    doubled: int = 0
    problems: list[str] = field(default_factory=list)

    def blame(self, problem: str, *, lost: int = 0, doubled: int = 0) -> None:
        self.lost += lost
        self.doubled += doubled
        self.problems.append(problem)


def check_log(verdict: Verdict, project: str, log: Sequence[dict[str, Any]], head: int) -> None:
    """seq counts 1 to the head, without a hole and without a double."""
    seqs = [event["seq"] for event in log]
    if seqs != list(range(1, head + 1)):
        missing = sorted(set(range(1, head + 1)) - set(seqs))
        verdict.blame(f"{project}: the log is not 1..{head}: missing {missing[:10]}", lost=len(missing))


def check_operations(
    verdict: Verdict, operations: Iterable[Operation], log: Sequence[dict[str, Any]]
) -> None:
    """Each answered write stands in the log exactly once, an unknown one at most once, a refused one not."""
    times = Counter(event["mutationId"] for event in log)
    versions = defaultdict(set)
    for event in log:
        if "version" in event["data"]:
            versions[event["data"]["id"]].add(event["data"]["version"])
    for operation in operations:
        found, what = times[operation.key], f"{operation.outcome} {operation.kind} {operation.key}"
        if found > 1:
            verdict.blame(f"{what} stands {found} times in the log", doubled=found - 1)
        if operation.outcome == "refused" and found:
            verdict.blame(f"{what} stands in the log", doubled=1)
        if operation.outcome == "answered" and not found and not _changed_nothing(operation, versions):
            verdict.blame(f"{what} is missing from the log", lost=1)


def _changed_nothing(operation: Operation, versions: dict[str, set[int]]) -> bool:
    """A move's answer shows the task as it stands: at a version that the log knows."""
    body = operation.body
    if operation.kind == "task:moved":
        return bool(body["version"] in versions[body["id"]])
    return operation.kind in MAY_CHANGE_NOTHING


def check_replay(verdict: Verdict, log: Sequence[dict[str, Any]], board: Snapshot) -> None:
    """From nothing, the log alone gives the database's board."""
    empty: Snapshot = {"seq": 0, "project": None, "members": [], "columns": [], "tasks": []}
    empty["commentCounts"] = {}
    try:
        replayed = replay(empty, list(log))
    except AssertionError as broken:
        verdict.blame(f"the log does not replay: {broken}", lost=1)
        return
    if replayed != board:
        verdict.blame(f"the log's board is not the database's: {difference(replayed, board)}", lost=1)


def check_replica(verdict: Verdict, replica: Replica, board: Snapshot) -> None:
    """A client went forward by one at a time, and shows what the database holds."""
    for hole in replica.holes:
        verdict.blame(f"a hole: {hole}", lost=1)
    if replica.doubled:
        verdict.blame(f"{replica.name} was sent {replica.doubled} events twice", doubled=replica.doubled)
    if replica.reloads:
        verdict.blame(f"{replica.name} had to load the board afresh: its cursor did not hold")
    shown = replica.shown()
    expected = {key: value for key, value in board.items() if key != "seq"}
    if replica.seq != board["seq"]:
        verdict.blame(f"{replica.name} stopped at {replica.seq} of {board['seq']}", lost=1)
    elif not replica.light and shown != expected:
        verdict.blame(f"{replica.name} shows another board: {difference(shown, expected)}", lost=1)


def difference(found: Snapshot | None, expected: Snapshot) -> str:
    if found is None:
        return "none at all"
    keys = [key for key in expected if found.get(key) != expected[key]]
    return "; ".join(f"{key}: {found.get(key)!r:.300} and not {expected[key]!r:.300}" for key in keys)
