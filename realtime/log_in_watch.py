"""Ends what lives on a log-in that has ended: sockets with 4401, requests that wait with LogInEnded.

The database is asked every second or so, for all of them with three queries; it alone decides, so nothing of
this depends on the channel layer. An order that tells of a change only makes it quicker.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager

from realtime.connection import Connection, Identity
from realtime.database import aside
from realtime.log_ins import LogIns, still_hold
from realtime.protocol import CloseCode
from realtime.tokens import ENDED

Look = Callable[[Collection[Identity]], set[Identity]]


class LogInEnded(Exception):
    """The log-in of whoever asked ended before the answer was there."""


class LogInWatch:
    """`connections` are the open sockets of this process, by id."""

    def __init__(self, connections: Mapping[str, Connection]) -> None:
        self._connections = connections
        self._requests: dict[asyncio.Timeout, Identity] = {}
        self._log_ins = LogIns()

    @asynccontextmanager
    async def request_of(self, identity: Identity | None) -> AsyncIterator[None]:
        """Around the answering of a request: what is in it ends with LogInEnded soon after the log-in has."""
        if identity is None:
            yield
            return
        try:
            async with asyncio.timeout(None) as limit:
                self._requests[limit] = identity
                try:
                    yield
                finally:
                    del self._requests[limit]
        except TimeoutError:
            if limit.expired():
                raise LogInEnded from None
            raise

    async def check(self) -> None:
        """Look at all log-ins."""
        await self._check(list(self._connections.values()), dict(self._requests), self._log_ins.holding)

    async def check_user(self, user_id: str) -> list[Connection]:
        """Look at one user's; their sockets that stay."""
        connections = [one for one in self._connections.values() if one.user_id == user_id]
        requests = {limit: one for limit, one in self._requests.items() if one.id == user_id}
        await self._check(connections, requests, still_hold)
        return [one for one in connections if one.closing is None]

    async def _check(
        self, connections: list[Connection], requests: dict[asyncio.Timeout, Identity], look: Look
    ) -> None:
        asked = [one.identity for one in connections if one.identity is not None]
        asked += requests.values()
        ended = await aside(_ended, asked, look) if asked else set()
        if not ended:
            return
        for connection in connections:
            # Who has logged in as another meanwhile is looked at the next time.
            if connection.identity in ended:
                connection.close(CloseCode.UNAUTHENTICATED, ENDED)
        for limit, identity in requests.items():
            if identity in ended and limit in self._requests and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())


def _ended(asked: list[Identity], look: Look) -> set[Identity]:
    """Those of them whose log-in holds no more. In a thread: for thousands it takes its time."""
    identities = set(asked)
    return identities - look(identities)
