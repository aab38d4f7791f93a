"""How many sockets are open, from each address and of each user, without a look at all of them."""

from collections import Counter
from typing import Any

from realtime.connection import Connection
from realtime.networks import counted_as
from realtime.rooms import UserId


class Counts:
    """Of open sockets. Addresses are those of `counted_as`; a guest's user is None."""

    def __init__(self) -> None:
        self.total = 0
        self.of_address: Counter[str] = Counter()
        self.of_user: Counter[UserId] = Counter()

    def add(self, connection: Connection) -> None:
        self._count(connection, 1)

    def remove(self, connection: Connection) -> None:
        self._count(connection, -1)

    def _count(self, connection: Connection, by: int) -> None:
        self._place(connection.address, by)
        _add(self.of_user, connection.user_id, by)

    def _place(self, address: str, by: int) -> None:
        self.total += by
        _add(self.of_address, counted_as(address), by)


class Census(Counts):
    """The open sockets of one process; `let_in` counts them without those that are still to be let in."""

    def __init__(self) -> None:
        super().__init__()
        self.let_in = Counts()

    def arrive(self, address: str) -> None:
        """Count a client that is not let in yet: whose it is nobody knows."""
        self._place(address, 1)

    def depart(self, address: str) -> None:
        """It is let in, or gone."""
        self._place(address, -1)

    def add(self, connection: Connection) -> None:
        super().add(connection)
        self.let_in.add(connection)

    def remove(self, connection: Connection) -> None:
        super().remove(connection)
        self.let_in.remove(connection)


def _add(counter: Counter[Any], key: str | None, by: int) -> None:
    counter[key] += by
    if not counter[key]:  # else whoever was ever here would be remembered
        del counter[key]
