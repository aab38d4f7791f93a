"""What a result was measured with: versions, kernel and processor, no names and no paths."""

import json
import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("Django", "channels", "channels_redis", "daphne", "uvicorn", "uvloop", "websockets", "httptools")
PYTHON_PACKAGES = (*PACKAGES, "orjson", "redis", "hiredis", "python-socketio", "psycopg")
NODE_PACKAGES = ("socket.io", "engine.io", "@socket.io/redis-adapter", "ws", "bufferutil", "ioredis")
LOCK = Path(__file__).parents[1] / "peers" / "package-lock.json"


def describe() -> dict[str, str]:
    return {
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB",
        "python": platform.python_version(),
        **{name.lower(): version(name) for name in PYTHON_PACKAGES},
        "node": _first(["node", "--version"]),
        **_node_packages(),
        "redis-server": _first(["redis-server", "--version"], r"v=([\d.]+)"),
        "postgresql": _postgresql(),
        "nginx": _first(["nginx", "-v"], r"nginx/([\d.]+)"),
        "nchan": _first(["dpkg-query", "--show", "--showformat", "${Version}", "libnginx-mod-nchan"]),
        "cc": _first(["cc", "--version"], r"([\d.]+)$"),
    }


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _node_packages() -> dict[str, str]:
    locked = json.loads(LOCK.read_text())["packages"]
    return {name: locked[f"node_modules/{name}"]["version"] for name in NODE_PACKAGES}


def _postgresql() -> str:
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = shutil.which("postgres") or (str(homes[-1]) if homes else "")
    return _first([program, "--version"], r"([\d.]+)")


def _first(command: list[str], pattern: str = r"v?(\S+)") -> str:
    """What the pattern finds in the first line that a program tells; "none" where it is not installed."""
    if not command[0] or shutil.which(command[0]) is None:
        return "none"
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (told.stdout or told.stderr).splitlines()
    found = re.search(pattern, lines[0]) if lines and not told.returncode else None
    return found[1] if found else "none"
