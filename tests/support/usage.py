"""What a process on this machine uses (Linux, procfs)."""

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


def resident_bytes(pid: int) -> int:
    """Its memory, 0 once it has ended."""
    return _memory(pid, "VmRSS")


def processor_seconds(pid: int) -> float:
    """What it has spent so far: no busy machine makes that more."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def forget_peak(pid: int) -> None:
    """From here on `peak_bytes` is what it uses now, or later."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """The most memory that it has had."""
    return _memory(pid, "VmHWM")


def _memory(pid: int, name: str) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"{name}:\s+(\d+) kB", status)
    return int(found[1]) * _KIB if found else 0
