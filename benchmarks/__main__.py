"""Every benchmark, one after the other: `make bench`, or `python -m benchmarks [NAME …]` for some of them.

Leaves its figures in benchmarks/results/, and makes docs/benchmarks.md and its chart from those of fan-out.
What fails is told and does not keep the others from being measured.
"""

import subprocess
import sys

STEPS = {
    "fanout": [],
    "idle": [],
    "crowded_room": [],
    "polling": [],
    "snapshot": [],
    "writes": [],
    "browser_board": [],
    "chart": ["--svg", "docs/images/fanout.svg", "--markdown", "docs/benchmarks.md"],
}


def main() -> None:
    wanted = sys.argv[1:] or list(STEPS)
    if unknown := set(wanted) - set(STEPS):
        sys.exit(f"{', '.join(sorted(unknown))}: expected of {', '.join(STEPS)}")
    failed = [name for name in wanted if not succeeds(name)]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def succeeds(name: str) -> bool:
    print(f"\n=== benchmarks.{name}", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *STEPS[name]]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    main()
