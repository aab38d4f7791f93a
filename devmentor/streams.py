"""Standard streams on which no command fails, whatever they are open on."""

import io
import os
import sys


def prepare_standard_streams() -> None:
    """Write `?` for what a stream cannot encode, and nothing where a stream was closed before the start."""
    _fill_descriptors()
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")


def _fill_descriptors() -> None:
    """Let no socket have the number of a closed standard stream: children would write into it."""
    while (found := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(found, True)
    os.close(found)
