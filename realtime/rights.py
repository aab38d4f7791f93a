"""Who may read a room: asked by each who joins or polls, answered for all who ask at the same time."""

from weakref import WeakValueDictionary

from realtime.batching import Batch
from realtime.database import in_database
from realtime.rooms import Room, UserId


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
