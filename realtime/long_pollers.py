"""Clients that hear of a room by long polls: each is one connection for as long as it keeps polling.

One poll follows another, with a short pause between them. To limits, to operators and to the audit the client
is one connection: it begins with the first poll that asks to be held, and ends once no other has come for
GRACE_SECONDS. A row in the audit for each poll would be a write for every poll.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from realtime import connection_limits
from realtime.admission import Handshake
from realtime.audit import Audit
from realtime.census import Census, Place, place_of
from realtime.connection import LONG_POLL, Connection, Identity, Seat, connection_id, size
from realtime.connection_limits import Limit
from realtime.eventlog import Page
from realtime.policy import Policy
from realtime.rooms import Room, UserId

GRACE_SECONDS = 5.0
LEFT_CODE, LEFT = 1000, "the client polls no more"


class Client(NamedTuple):
    """What tells one polling client from another; windows that are alike in all of it each have their own
    connection, and which of these is whose makes no difference.
    """

    user_id: UserId
    by_token: bool
    address: str
    agent: str
    room: str


@dataclass(eq=False, slots=True, kw_only=True)
class LongPoller(Connection):
    """A client that polls. Once `closing` is set, `wake` ends the poll that is held. `rests_since`: when the
    last one was answered, in seconds of the monotonic clock.
    """

    client: Client
    rests_since: float = 0.0

    def send(self, frame: str) -> bool:
        """A poll is answered by events alone: any other frame is not sent."""
        return False

    def answer(self, page: Page) -> None:
        """Count what it is given."""
        self.outbox.pass_by(len(page.events), sum(size(event.envelope) for event in page.events))
        for seat in self.seats.values():
            seat.cursor = page.seq


class LongPollers:
    """Those of one process; `open` has them by id. They take their places in `census`, and end in `audit`."""

    def __init__(self, census: Census, audit: Audit, in_force: Callable[[], Policy]) -> None:
        self.open: dict[str, Connection] = {}
        self._resting: dict[Client, list[LongPoller]] = {}
        self._census = census
        self._audit = audit
        self._in_force = in_force

    def begin(self, handshake: Handshake, identity: Identity | None, room: Room) -> LongPoller | Limit:
        """The connection of a client whose poll has come, until `rest`; the limit where it has no place."""
        user_id = identity.id if identity else None
        by_token = handshake.token is not None
        client = Client(user_id, by_token, handshake.address, handshake.agent, room.name)
        poller = self._take_resting(client)
        if poller is None:
            place = Place(user_id, handshake.address, is_poll=True)
            limit = connection_limits.reached(place, self._census, self._in_force())
            if limit is not None:
                return limit
            poller = self._open(client, handshake, identity, room)
        elif poller.identity != identity:  # a newer token; an equal one is nothing to tell the audit
            poller.identity = identity
        poller.frames_in += 1
        poller.last_frame_at = time.monotonic()
        poller.wake = _nothing
        return poller

    def rest(self, poller: LongPoller) -> None:
        """Its poll is over: another one is awaited for GRACE_SECONDS."""
        if poller.closing is not None:
            self._end(poller)
            return
        poller.rests_since = time.monotonic()
        poller.wake = partial(self._end, poller)
        self._resting.setdefault(poller.client, []).append(poller)

    async def sweep(self) -> None:
        """End those that poll no more."""
        before = time.monotonic() - GRACE_SECONDS
        for poller in [one for resting in self._resting.values() for one in resting]:
            if poller.rests_since < before:
                poller.close(LEFT_CODE, LEFT)

    def close_all(self, code: int, reason: str) -> None:
        for poller in list(self.open.values()):
            poller.close(code, reason)

    def _take_resting(self, client: Client) -> LongPoller | None:
        resting = self._resting.get(client)
        if not resting:
            return None
        poller = resting.pop()
        if not resting:
            del self._resting[client]
        return poller

    def _open(
        self, client: Client, handshake: Handshake, identity: Identity | None, room: Room
    ) -> LongPoller:
        now = time.monotonic()
        poller = LongPoller(
            id=connection_id(),
            address=handshake.address,
            agent=handshake.agent,
            opened_at=now,
            wake=_nothing,
            identity=identity,
            bearer=client.by_token,
            has_origin=handshake.origin is not None,
            transport=LONG_POLL,
            client=client,
        )
        # Its place in the room is for the audit alone: the hub gives it nothing by that.
        poller.seats[room.name] = Seat(poller, room)
        self.open[poller.id] = poller
        self._census.add(place_of(poller))
        self._audit.opened(poller)
        return poller

    def _end(self, poller: LongPoller) -> None:
        """It is closed, and no poll of it is held."""
        resting = self._resting.get(poller.client, [])
        if poller in resting:
            resting.remove(poller)
        if not resting:
            self._resting.pop(poller.client, None)
        poller.wake, poller.gone = _nothing, True
        del self.open[poller.id]
        self._census.remove(place_of(poller))
        assert poller.closing is not None
        self._audit.closed(poller, poller.closing.code, poller.closing.reason)


def _nothing() -> None:
    pass
