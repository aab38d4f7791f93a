"""How many plain HTTP connections a process has places for: in all, and of one peer's address.

A connection has a place from its beginning, if there is one, else from the head of its first request on: then
the place is taken from a connection by which nothing is asked. So whoever opens connections and says nothing
keeps nobody out. A WebSocket is let in without one, and gives its own back then; a poll that is held has
one elsewhere (`realtime.connection_limits`). Trusted proxies bring everybody's requests: they are counted in
all only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from weakref import WeakValueDictionary

from realtime import metrics
from realtime.connection_limits import Limit
from realtime.networks import Network, counted_networks, read_address
from realtime.proxies import THIS_MACHINE, is_trusted

FULL = Limit(
    "MAX_PLAIN_CONNECTIONS",
    "MAX_PLAIN_CONNECTIONS is reached: too many are open, come back in a moment",
)
FULL_ADDRESS = Limit(
    "MAX_PLAIN_CONNECTIONS_PER_ADDRESS",
    "MAX_PLAIN_CONNECTIONS_PER_ADDRESS is reached: too many are open from your address",
)
WAITING = 1000  # connections without a place, which wait for it or for the answer that there is none


class State(Enum):
    """What a connection is to the bounds."""

    WAITING = auto()  # it has no place
    IDLE = auto()  # nothing is asked by it: it may have to give its place up
    BUSY = auto()
    ELSEWHERE = auto()  # a place of another kind is its
    GONE = auto()


@dataclass(eq=False, slots=True, weakref_slot=True)
class Group:
    """Connections that have a bound together: those of an address, or all; `most` 0 is no bound."""

    limit: Limit
    most: int
    taken: int = 0
    idle: dict["PlainConnection", None] = field(default_factory=dict)  # the longest idle first

    @property
    def is_full(self) -> bool:
        return 0 < self.most <= self.taken


class PlainConnection:
    """One of them; each change of what goes on there is told here."""

    __slots__ = ("_close", "_groups", "_waiting", "state")

    def __init__(
        self, close: Callable[[], None], groups: list[Group], waiting: dict["PlainConnection", None]
    ) -> None:
        self._close = close
        self._groups = groups  # the narrowest first
        self._waiting = waiting
        if any(group.is_full for group in groups):
            self.state = State.WAITING
            waiting[self] = None
        else:
            self.state = State.GONE
            self._become(State.IDLE)

    def begin(self) -> None:
        """A request begins to come."""
        if self.state is State.IDLE:
            self._become(State.BUSY)

    def take(self) -> Limit | None:
        """A request has come, which needs a place to be answered; the limit that leaves none."""
        full = self._make_room() if self.state is State.WAITING else None
        if full is None:
            self._become(State.BUSY)
        else:
            metrics.LIMIT_REFUSALS.labels(full.variable).inc()
        return full

    def hold(self) -> None:
        """Its request has a place of another kind."""
        if self.state is State.BUSY:
            self._become(State.ELSEWHERE)

    def hand_over(self, close: Callable[[], None]) -> None:
        """It is another protocol's, which closes it by that."""
        self._close = close

    def rest(self) -> None:
        """All is answered."""
        if self.state in (State.BUSY, State.ELSEWHERE):
            self._become(State.IDLE)

    def leave(self) -> None:
        """It is closed, or has for good a place of another kind."""
        self._become(State.GONE)
        self._groups, self._close = [], _nothing

    def _make_room(self) -> Limit | None:
        """Take places from idle connections, of its own address first; the limit where there is none."""
        for number, group in enumerate(self._groups, 1):
            while group.is_full:
                idle = next((each.idle for each in self._groups[:number] if each.idle), None)
                if idle is None:
                    return group.limit
                next(iter(idle)).give_up()
        return None

    def give_up(self) -> None:
        """It is to be closed, for another one."""
        close = self._close
        self.leave()
        close()

    def _become(self, state: State) -> None:
        counted = (State.IDLE, State.BUSY)
        by = (state in counted) - (self.state in counted)
        self._waiting.pop(self, None)
        for group in self._groups:
            group.taken += by
            group.idle.pop(self, None)
            if state is State.IDLE:
                group.idle[self] = None
        self.state = state


class PlainConnections:
    """Those of one process.

    most, of_an_address: places in all, and for each address; 0 is no bound
    proxies: whose connections are counted in all only
    """

    def __init__(self, most: int = 0, of_an_address: int = 0, proxies: Sequence[Network] = ()) -> None:
        self._of_an_address = of_an_address
        self._proxies = proxies
        self._all = Group(FULL, most)
        # A group is there for as long as a connection is in it.
        self._groups: WeakValueDictionary[str, Group] = WeakValueDictionary()
        self._waiting: dict[PlainConnection, None] = {}

    def arrive(self, peer: str | None, close: Callable[[], None]) -> PlainConnection:
        """A connection of that address (None: by a Unix socket); `close` ends it, for another one."""
        address = peer or THIS_MACHINE
        networks = [] if is_trusted(read_address(address), self._proxies) else counted_networks(address)
        groups = [self._group(key, self._of_an_address * factor) for key, factor in networks]
        found = PlainConnection(close, [*groups, self._all], self._waiting)
        if len(self._waiting) > WAITING:
            next(iter(self._waiting)).give_up()
        return found

    def _group(self, key: str, most: int) -> Group:
        return self._groups.setdefault(key, Group(FULL_ADDRESS, most))


def _nothing() -> None:
    pass
