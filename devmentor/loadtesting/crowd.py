"""Many clients of one room: they enter, are level with its log, and leave together."""

import asyncio
from collections import Counter
from collections.abc import Callable

from django.core.management.base import CommandError

from devmentor.loadtesting.client import Client, Place, Refused

AT_A_TIME = 64  # handshakes that are under way together
ATTEMPTS = 3  # of a client whose connection breaks while it enters
PAUSE_SECONDS = 1.0
FULL, RATE_LIMITED, REALTIME_OFF, UNAUTHENTICATED, FORBIDDEN = 4503, 4429, 4000, 4401, 4403
HINTS: dict[int | str | None, str] = {
    FULL: "ask for fewer --connections, or raise the limit: MAX_CONNECTIONS, MAX_CONNECTIONS_PER_USER or "
    "MAX_CONNECTIONS_PER_ADDRESS, or `manage.py policy`",
    RATE_LIMITED: "wait a minute, ask for fewer --connections, or raise HANDSHAKES_PER_MINUTE",
    REALTIME_OFF: "real-time is off there: `manage.py realtime on`",
    UNAUTHENTICATED: "the log-in does not hold there",
    FORBIDDEN: "that gateway lets no such client in: `manage.py policy` and `block --list` say why",
    "not-found": "that user may not see the project",
}


class Crowd:
    """`count` clients of one place."""

    def __init__(self, place: Place, count: int) -> None:
        self.place = place
        self.clients = [Client(place, self._moved, number) for number in range(count)]
        self._goal: int | None = None
        self._behind: set[Client] = set()
        self._level = asyncio.Event()

    async def enter(self, entered: Callable[[], None], patience: float = 0.0) -> None:
        """All of them; `entered` is called for each. Raises CommandError where one is refused.

        patience: for how many seconds a limit on handshakes is waited out
        """
        gate = asyncio.Semaphore(AT_A_TIME)
        deadline = asyncio.get_running_loop().time() + patience
        refused: list[Refused] = []

        async def enter(client: Client) -> None:
            async with gate:
                if refused:
                    return
                try:
                    await self._enter(client, deadline)
                except Refused as failure:
                    refused.append(failure)
                    return
            client.stay()
            entered()

        async with asyncio.TaskGroup() as entering:
            for client in self.clients:
                entering.create_task(enter(client))
        if refused:
            there, hint = sum(client.is_there for client in self.clients), HINTS.get(refused[0].code)
            said = f"{there} of {len(self.clients)} clients were let in, then one was refused: {refused[0]}"
            raise CommandError(f"{said}; {hint}" if hint else said)

    async def _enter(self, client: Client, deadline: float) -> None:
        attempt = 0
        while True:
            try:
                await client.enter()
                return
            except Refused as refused:
                attempt += 1
                now = asyncio.get_running_loop().time()
                limited = refused.code == RATE_LIMITED and now < deadline
                if not limited and not (refused.is_passing and attempt < ATTEMPTS):
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def level(self, head: int, seconds: float) -> bool:
        """Wait until everybody has the event `head`, or the time is up; whether everybody has."""
        self._goal = head
        self._behind = {client for client in self.clients if (client.ledger.seq or 0) < head}
        self._level.clear()
        if self._behind:
            try:
                async with asyncio.timeout(seconds):
                    await self._level.wait()
            except TimeoutError:
                return False
        return True

    async def leave(self) -> None:
        gate = asyncio.Semaphore(AT_A_TIME)

        async def leave(client: Client) -> None:
            async with gate:
                await client.leave()

        await asyncio.gather(*map(leave, self.clients), return_exceptions=True)

    async def renew(self) -> None:
        for client in self.clients:
            await client.renew()

    @property
    def closes(self) -> Counter[int]:
        """Connections that were lost while they were wanted, by close code."""
        return Counter(code for client in self.clients for code in client.closes)

    def _moved(self, client: Client) -> None:
        if self._goal is not None and (client.ledger.seq or 0) >= self._goal:
            self._behind.discard(client)
            if not self._behind:
                self._level.set()
