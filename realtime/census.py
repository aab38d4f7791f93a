"""How many connections there are: in all, of each user and of each address, without a look at all of them."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple

from realtime.connection import LONG_POLL, Connection
from realtime.networks import counted_as, counted_networks
from realtime.rooms import UserId

# Clients without a place that may open a transport, only to be told so; and those of one address.
WITHOUT_PLACE, WITHOUT_PLACE_OF_AN_ADDRESS = 100, 10


class Place(NamedTuple):
    """What is counted of a connection; `user_id` None: a guest, also one who may still say who they are."""

    user_id: UserId
    address: str
    is_poll: bool = False


def place_of(connection: Connection) -> Place:
    return Place(connection.user_id, connection.address, connection.transport == LONG_POLL)


@dataclass(slots=True)
class Tally:
    """Of one kind of connection."""

    users: int = 0
    guests: int = 0

    @property
    def total(self) -> int:
        return self.users + self.guests


class Counts:
    """Of sockets and of held polls; for each user and address of both together.

    of_address, of_guests: of everybody there, and of guests alone, by the keys of `counted_networks`
    """

    def __init__(self) -> None:
        self.sockets = Tally()
        self.polls = Tally()
        self.of_user: Counter[UserId] = Counter()
        self.of_address: Counter[str] = Counter()
        self.of_guests: Counter[str] = Counter()

    def tally(self, place: Place) -> Tally:
        """Of the kind of connection that this is."""
        return self.polls if place.is_poll else self.sockets

    def add(self, place: Place) -> None:
        self._count(place, 1)

    def remove(self, place: Place) -> None:
        self._count(place, -1)

    def _count(self, place: Place, by: int) -> None:
        tally = self.tally(place)
        if place.user_id is None:
            tally.guests += by
        else:
            tally.users += by
            _add(self.of_user, place.user_id, by)
        for key, _ in counted_networks(place.address):
            _add(self.of_address, key, by)
            if place.user_id is None:
                _add(self.of_guests, key, by)


class Census(Counts):
    """The connections of one process. A client that opens a transport before it says who it is has a guest's
    place, until it is let in or gone; one for which there was no place is counted for itself, and in nobody's
    way: it may still turn out to be a user, or be told why not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.without_place: Counter[str] = Counter()

    @property
    def open_sockets(self) -> int:
        return self.sockets.total + self.without_place.total()

    def arrive(self, address: str, has_place: bool) -> None:
        self._arrive(address, has_place, 1)

    def depart(self, address: str, has_place: bool) -> None:
        """It is let in, or gone; `has_place` as when it came."""
        self._arrive(address, has_place, -1)

    def _arrive(self, address: str, has_place: bool, by: int) -> None:
        if has_place:
            self._count(Place(None, address), by)
        else:
            _add(self.without_place, counted_as(address), by)

    def takes_another_without_place(self, address: str) -> bool:
        """Whether one more may come for which there is no place."""
        here = self.without_place[counted_as(address)]
        return here < WITHOUT_PLACE_OF_AN_ADDRESS and self.without_place.total() < WITHOUT_PLACE


def _add(counter: Counter[Any], key: str, by: int) -> None:
    counter[key] += by
    if not counter[key]:  # else whoever was ever here would be remembered
        del counter[key]
