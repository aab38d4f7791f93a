"""What a process and its children have used, as the kernel counts it (Linux)."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its children that live, and those that it has waited for."""
    ended = _stat(pid)
    ticks = sum(int(field) for each in family(pid) for field in _stat(each)[11:13])
    return (ticks + sum(int(field) for field in ended[13:15])) / TICKS


def core_seconds(core: int) -> float:
    """What all processes together have used of a core, and what other machines on the host took of it."""
    line = next(line for line in (PROC / "stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, _, _, steal = map(int, line.split()[1:9])
    return (user + nice + system + steal) / TICKS


def resident_bytes(pid: int) -> int:
    """Memory in RAM; what several of them share is counted once."""
    return sum(_proportional(each) for each in family(pid))


def family(pid: int) -> Iterator[int]:
    yield pid
    for thread in (PROC / str(pid) / "task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from family(int(child))


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold spaces: field n of proc(5) is number n - 3 here."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _proportional(pid: int) -> int:
    for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no Pss in smaps_rollup")
