"""The hub over the real log, with a bell that the test rings: late, twice, in any order, or not at all."""

import asyncio
import json
from collections.abc import Callable, Collection, Coroutine, Iterator
from typing import Any
from uuid import uuid4

from realtime import eventlog
from realtime.commands import Commands
from realtime.connection import QUEUE_FRAMES, Connection, Identity, Outbox
from realtime.database import in_database
from realtime.eventlog import Actor, Event
from realtime.gateway import Gateway
from realtime.protocol import Command
from realtime.ringing import Message
from realtime.rooms import Room, RoomKind, UserId
from realtime.wire import Wire
from realtime.writers import WireWriter
from tests.support.waiting import until

STORY_SECONDS = 60.0


class Bells:
    """Stands where the serving process's bell stands: what was published waits in `unrung`."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.subscribed: list[str] = []

    def hand_over(self, group: str, message: Message) -> bool:
        self.published.append(message)
        return True

    async def subscribe(self, group: str) -> None:
        self.subscribed.append(group)

    async def unsubscribe(self, group: str) -> None:
        self.subscribed.remove(group)


class Reader:
    """A socket without a network. A quick one takes each frame at once, a slow one nothing at all."""

    def __init__(self, user: str | None = None, slow: bool = False, queue: int = QUEUE_FRAMES) -> None:
        identity = Identity(user, user, user) if user else None
        self.seqs: list[int] = []
        self.errors: list[str] = []
        self.heard: list[str] = []
        self.slow = slow
        self.connection = Connection(str(uuid4()), "127.0.0.1", "", 0.0, self.take_all, identity)
        self.connection.outbox = Outbox(max_frames=queue)
        self.joined_at = 0

    def take_all(self) -> None:
        while not self.slow and (frame := self.connection.outbox.take()) is not None:
            self.read(frame)

    def read(self, frame: str) -> None:
        found = json.loads(frame)
        self.heard.append(found["event"])
        if "seq" in found:
            self.seqs.append(found["seq"])
        elif found["event"] == "error":
            self.errors.append(found["data"]["code"])


class WiredReader(Reader):
    """One on a server that takes ready frames, which it does while `wire.clear`. `writes` counts them.

    What is written at another time is lost, and so noticed: an assertion would be caught by the hub.
    """

    def __init__(self, user: str | None = None) -> None:
        super().__init__(user)
        self.writes = 0
        self.wire = Wire(self._write, lambda code, reason: self.wire.set_clear(False), lambda: None)
        self.connection.wake = WireWriter(self.connection, self.wire).wake
        self.connection.wake()

    def _write(self, frames: bytes) -> None:
        if not self.wire.clear:
            return
        self.writes += 1
        for text in texts(frames):
            self.read(text)


class TakingTurns(Reader):
    """One that takes what is queued in a turn of the loop of its own, as the writer of a socket does."""

    def __init__(self, user: str | None = None) -> None:
        super().__init__(user)
        self.most_queued = 0
        self.connection.wake = self._wake

    def _wake(self) -> None:
        self.most_queued = max(self.most_queued, self.connection.outbox._bytes)
        asyncio.get_running_loop().call_soon(self.take_all)


class Rig:
    """One room, one gateway. `refused` are the users who may not read the room any more."""

    def __init__(self, bells: Bells) -> None:
        self.bells = bells
        self.refused: set[UserId] = set()
        self.before_rights: Callable[[], object] = lambda: None
        kind = RoomKind("board", "boardId", frozenset({"note:written"}), self._readers)
        self.room = Room(kind, str(uuid4()))
        self.gateway = Gateway([kind], version="test")
        self.hub = self.gateway.hub
        self.hub.bell = bells  # type: ignore[assignment]

    def _readers(self, room_id: str, users: Collection[UserId]) -> set[UserId]:
        self.before_rights()
        return set(users) - self.refused

    async def create(self) -> None:
        await in_database(_create, self.room)

    async def write(self, count: int = 1, reauthorise: bool = False, size: int = 1) -> None:
        await in_database(append, self.room, count, reauthorise, size)

    async def head(self) -> int:
        return await in_database(eventlog.head, self.room)

    def ring(self, seq: int) -> None:
        """Let the gateway hear of an event that was published."""
        for message in self.bells.published:
            if message["room"] == self.room.name and message["seq"] == seq:
                self.hub.hear(message)

    async def join(self, reader: Reader, since: int | None = None) -> None:
        """As a socket does it: the ack, and right behind it what was missed."""
        commands = Commands(self.gateway, reader.connection)
        data = {"boardId": self.room.id} if since is None else {"boardId": self.room.id, "since": since}
        answer = await commands.run(Command(1, "board:join", data))
        reader.joined_at = answer.data["seq"] if since is None else since
        answer.then()

    async def settle(self, *readers: Reader) -> None:
        """Once a second the hub looks at the heads; here it looks now, until everybody has everything."""
        head = await self.head()
        await self.hub.check_heads()
        await until(lambda: all(self._complete(reader, head) for reader in readers))

    def _complete(self, reader: Reader, head: int) -> bool:
        return (reader.seqs[-1] if reader.seqs else reader.joined_at) >= head


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, STORY_SECONDS))


def texts(frames: bytes) -> Iterator[str]:
    """The messages of unmasked text frames, by RFC 6455, section 5.2."""
    while frames:
        assert frames[0] == 0x81
        extended = {126: 2, 127: 8}.get(frames[1], 0)
        start = 2 + extended
        length = int.from_bytes(frames[2:start], "big") if extended else frames[1]
        yield frames[start : start + length].decode()
        frames = frames[start + length :]


def _create(room: Room) -> None:
    eventlog.create(room)


def append(room: Room, count: int = 1, reauthorise: bool = False, size: int = 1) -> list[Event]:
    """Write events with a text of `size` characters."""
    with eventlog.writing(room) as log:
        return [
            log.append("note:written", {"text": "x" * size}, actor=Actor("1", "One"), reauthorise=reauthorise)
            for _ in range(count)
        ]
