"""Who may read a room: asked by each who joins or polls, answered for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from realtime.batching import Batch
from realtime.database import in_database
from realtime.outages import log_failure
from realtime.rooms import Room, UserId

T = TypeVar("T")
AGAIN_SECONDS = 1.0


class Rights:
    """After a restart a whole room joins at once: that is a few queries, and not one for each member."""

    def __init__(self) -> None:
        # Held by those who wait: a room that nobody asks about any more is forgotten.
        self._asked: WeakValueDictionary[str, Batch[UserId, set[UserId]]] = WeakValueDictionary()

    async def may_read(self, room: Room, user: UserId) -> bool:
        """Whether the user may read the room, as of a moment after this call."""
        batch = self._asked.get(room.name)
        if batch is None:
            batch = self._asked[room.name] = Batch(
                lambda users: in_database(room.kind.readers, room.id, users)
            )
        return user in await batch.ask(user)

    async def may_certainly_read(self, room: Room, user: UserId) -> bool:
        """The same, asked again until it is known."""
        return await _until_known(room, lambda: self.may_read(room, user))

    async def readers(self, room: Room, users: set[UserId]) -> set[UserId]:
        """Which of them may read it, as of a moment after this call; asked again until it is known."""
        return await _until_known(room, lambda: in_database(room.kind.readers, room.id, users))


async def _until_known(room: Room, ask: Callable[[], Awaitable[T]]) -> T:
    while True:
        try:
            return await ask()
        except Exception as failure:  # noqa: BLE001  whatever it was
            log_failure(f"room {room.name}: reading rights", failure)
            await asyncio.sleep(AGAIN_SECONDS)
