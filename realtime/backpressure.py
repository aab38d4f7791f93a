"""Lets a replay wait until a send queue has room again, so that catching up never overruns it."""

import asyncio

from realtime.connection import Outbox


class Vacancy:
    """Room in one send queue: less than half of it is taken."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._waiters: list[asyncio.Future[None]] = []

    def wait(self) -> "asyncio.Future[None]":
        """Done as soon as there is room."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self.announce()
        return waiter

    def announce(self) -> None:
        """Look anew: the writer calls this whenever it has sent a frame."""
        if self._waiters and self._outbox.below(0.5):
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
            self._waiters.clear()
