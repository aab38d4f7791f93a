"""What a process on this machine uses (Linux, procfs)."""

import os
import re
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_KIB = 1024


def resident_bytes(pid: int) -> int:
    """Its memory, 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) * _KIB if found else 0


def processor_seconds(pid: int) -> float:
    """What it has spent so far: no busy machine makes that more."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
