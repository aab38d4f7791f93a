"""How the operators' commands say things: numbers of what, tables, moments, and which database."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

NO_GATEWAY = "No gateway is running."


def counted(number: int, noun: str) -> str:
    """`1 socket`, `0 sockets`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def are(number: int) -> str:
    return "is" if number == 1 else "are"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A line for the heading and one for each row, the columns below each other."""
    lines = [heading, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return [line.rstrip() for line in shown]


def by_reason(counts: Mapping[str, int]) -> list[str]:
    """A line for each reason, as `forecast.by_reason` counts them."""
    return [f"  {count:5}  {reason}" for reason, count in counts.items()]


def moment(at: datetime) -> str:
    """To the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def database() -> str:
    """Which one this process uses: its engine, name and host, and never its password."""
    found = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"{connection.display_name} {found['NAME']}"
    place = ":".join(str(found[part]) for part in ("HOST", "PORT") if found[part])
    return f"{connection.display_name} {found['NAME']} on {place or 'this machine'}"
