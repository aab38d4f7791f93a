"""What a gateway says of itself: whether it is ready, how many are there, how much memory it holds."""

import re
from dataclasses import dataclass

from django.core.management.base import CommandError

from devmentor.loadtesting.http import Http, unreachable

MEMORY = re.compile(r"^process_resident_memory_bytes (\S+)$", re.MULTILINE)
CONNECTIONS = re.compile(r"^websocket_connections (\S+)$", re.MULTILINE)
INSTANCES = re.compile(r'^gateway_info\{[^}]*instance="([^"]*)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """Resident bytes and open sockets of a gateway, and its instances: several where it has `--workers`."""

    memory: int
    connections: int
    instances: frozenset[str]


async def check_ready(http: Http) -> None:
    """Raises CommandError where no gateway answers, or one that cannot serve."""
    where = http.address.http
    try:
        answer = await http.ask("GET", "/ready")
    except OSError as failure:
        raise CommandError(unreachable(http.address, failure)) from None
    try:
        checks = answer.json()["checks"]
    except (ValueError, KeyError, TypeError):
        raise CommandError(f"{where}/ready is no answer of a DevMentor gateway: {answer.status}") from None
    if answer.status != 200:
        said = ", ".join(f"{name} {value}" for name, value in checks.items())
        raise CommandError(f"the gateway at {where} is not ready: {said}")


async def check_known(http: Http, database: str) -> None:
    """Raises CommandError where the gateway does not know the user that was just made here."""
    try:
        answer = await http.ask("GET", "/api/me/")
    except OSError as failure:
        raise CommandError(unreachable(http.address, failure)) from None
    if answer.status == 401:
        raise CommandError(
            f"the gateway at {http.address.http} does not know the user just made in {database}: it has "
            "another database or JWT_SECRET. Set DATABASE_URL and JWT_SECRET to its own, or give --user"
        )
    await http.surely("GET", "/api/me/")


async def reading(http: Http) -> Reading:
    """From /metrics, which tell of all workers together, and not from /health, which tells of one.

    Raises CommandError.
    """
    text = (await http.surely("GET", "/metrics")).body.decode()
    memory, connections = MEMORY.search(text), CONNECTIONS.search(text)
    if memory is None or connections is None:
        missing = "process_resident_memory_bytes, which is there on Linux" if connections else "our metrics"
        raise CommandError(f"{http.address.http}/metrics does not have {missing}")
    instances = frozenset(INSTANCES.findall(text))
    return Reading(int(float(memory[1])), int(float(connections[1])), instances)
