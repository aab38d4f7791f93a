"""Sockets whose user is another one, or may have other rights: a room gives them nothing until that is known.

Its other members go on: what one socket does to itself is nobody else's wait. A socket's rooms are looked at
one after the other, so that one which changes its user again and again costs no more than one that joins.
"""

import asyncio

from realtime.background import Background
from realtime.connection import Connection, Seat
from realtime.hub import Hub


class ChangedUsers:
    """The looks under way in this process, one for each such socket."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._looks: dict[Connection, asyncio.Task[None]] = {}
        self._background = Background()

    def look(self, connection: Connection) -> None:
        """Look anew which of its rooms the socket may read; a look under way may have come too early."""
        if before := self._looks.pop(connection, None):
            before.cancel()
        seats = list(connection.seats.values())
        for seat in seats:
            self._hub.doubt(seat)
        if seats:
            work = self._settle_all(connection, seats)
            self._looks[connection] = self._background.spawn("looking at a socket's rights", work)

    async def _settle_all(self, connection: Connection, seats: list[Seat]) -> None:
        for seat in seats:
            # The user as of now: who changes again ends this look by another one.
            may_read = await self._hub.rights.may_certainly_read(seat.room, connection.user_id)
            self._hub.settle(seat, may_read)
        self._looks.pop(connection, None)  # a later one would have ended this one
