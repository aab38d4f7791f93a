"""Turns: of what all requests share one caller has a part at a time. Their others wait in order, on the loop.

They wait in front of the threads, so that whoever is in a thread holds up nobody but others of their kind.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from django.conf import settings
from django.http import parse_cookie

from realtime.asgi import Scope
from realtime.authentication import bearer_token
from realtime.networks import SITE_FACTOR, counted_networks
from realtime.tokens import signed_subject

READING = frozenset({"GET", "HEAD", "OPTIONS"})
T = TypeVar("T")


class Turns:
    """At most `most` at a time for each key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._places: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()  # under way or waiting

    def __len__(self) -> int:
        return len(self._places)

    async def take(self, key: str) -> None:
        """Who has waited longest is next."""
        self._here[key] += 1
        try:
            await self._places.setdefault(key, asyncio.Semaphore(self._most)).acquire()
        except asyncio.CancelledError:
            self._leave(key)
            raise

    def give_back(self, key: str) -> None:
        self._places[key].release()
        self._leave(key)

    def _leave(self, key: str) -> None:
        self._here[key] -= 1
        if not self._here[key]:
            del self._here[key], self._places[key]


class NetworkTurns:
    """Of `most` an address has half, and a /48 of IPv6 three quarters."""

    def __init__(self, most: int) -> None:
        self._of_factor = {1: Turns(max(1, most // 2)), SITE_FACTOR: Turns(max(1, most * 3 // 4))}

    def of(self, address: str) -> Iterator[tuple[Turns, str]]:
        for network, factor in counted_networks(address):
            yield self._of_factor[factor], network


class RequestTurns:
    """What one caller may have of a process's threads, and by writes of its connections to the database.

    All writes may wait for one and the same board, each with a connection; what only reads waits for none.
    of_a_log_in: writes under one user's tokens, or one session
    """

    def __init__(self, threads: int, connections: int, of_a_log_in: int) -> None:
        self._requests = NetworkTurns(threads)
        self._writes = NetworkTurns(connections)
        self._of_log_ins = Turns(of_a_log_in)

    async def run(self, scope: Scope, answer: Callable[[], Awaitable[T]]) -> T:
        """The answer to a request, once it is its turn."""
        taken: list[tuple[Turns, str]] = []
        try:
            for turns, key in self._needed(scope):
                await turns.take(key)
                taken.append((turns, key))
            return await answer()
        finally:
            for turns, key in taken:
                turns.give_back(key)

    def _needed(self, scope: Scope) -> Iterator[tuple[Turns, str]]:
        """The narrowest first: who waits there holds no place of the others."""
        address = scope["client"][0]
        if scope["method"] not in READING:
            if log_in := _log_in(scope):
                yield self._of_log_ins, log_in
            yield from self._writes.of(address)
        yield from self._requests.of(address)


def _log_in(scope: Scope) -> str:
    """What a write is sent under: a user's tokens are one, a session is one. Nobody asks whether it holds."""
    fields: dict[bytes, bytes] = dict(scope["headers"])
    if b"authorization" in fields:
        header = fields[b"authorization"]
        return signed_subject(bearer_token(header) or "") or header.decode("latin-1")
    cookies = parse_cookie(fields.get(b"cookie", b"").decode("latin-1"))
    return str(cookies.get(settings.SESSION_COOKIE_NAME, ""))
