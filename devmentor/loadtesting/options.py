"""What was typed, checked before anything is begun. A CommandError says in a line what is expected."""

import getpass
import math
import resource
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from devmentor.loadtesting.address import Address

MOST_CONNECTIONS = 10_000
SPARE_FILES = 200  # for the writes, the database, the libraries


def add_shared(parser: ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("--connections", default="100", metavar="N", help="clients, 1 to 10000 (%(default)s)")
    parser.add_argument(
        "--url", metavar="URL", help="ws://, wss://, http:// or https:// (this machine's, at PORT)"
    )
    parser.add_argument("--project", metavar="UUID", help="write into this one; default: one that goes again")
    parser.add_argument(
        "--user",
        metavar="NAME",
        help="log in as this user, where the gateway's database is not this one; the password is asked for, "
        "or read from standard input",
    )
    parser.add_argument("--json", action="store_true", help="the outcome as a JSON object, for programs")


def connections(options: dict[str, Any]) -> int:
    return whole(options, "connections", 1, MOST_CONNECTIONS)


def whole(options: dict[str, Any], name: str, least: int, most: int) -> int:
    text = str(options[name])
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise CommandError(f"--{name} {text}: expected a whole number from {least} to {most}")
    return int(text)


def number(options: dict[str, Any], name: str, least: float, most: float) -> float:
    text = str(options[name])
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise CommandError(f"--{name} {text}: expected a number from {least:g} to {most:g}")
    return found


def address(options: dict[str, Any]) -> Address:
    if options["url"] is None:
        return Address("127.0.0.1", settings.PORT)
    try:
        return Address.read(options["url"])
    except ValueError as wrong:
        raise CommandError(f"--url {wrong}") from None


def project(options: dict[str, Any]) -> str | None:
    text = options["project"]
    if text is None:
        return None
    try:
        return str(UUID(str(text)))
    except ValueError:
        raise CommandError(f"--project {text}: expected the id of a project, a UUID") from None


def password(username: str) -> str:
    """Asked for, or, where nobody sits there, the first line of standard input."""
    if sys.stdin is not None and sys.stdin.isatty():
        return getpass.getpass(f"Password of {username}: ")
    line = sys.stdin.readline().rstrip("\r\n") if sys.stdin is not None else ""
    if not line:
        raise CommandError(f"--user {username}: expected the password on standard input")
    return line


def make_room_for(clients: int) -> None:
    """Raise the limit of open files as far as is needed, and may be."""
    needed = clients + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise CommandError(
            f"--connections {clients}: they take {needed} open files, and this shell may have {hard}. "
            f"Raise that (ulimit -Hn), or ask for {max(1, hard - SPARE_FILES)} connections at the most"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
