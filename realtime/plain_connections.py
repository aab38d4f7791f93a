"""How many plain HTTP connections a process has places for: in all, and of one address.

A connection has a place from its beginning, if there is one, else from the head of its first request on: then
the place is taken from a connection by which nothing is asked. So whoever opens connections and says nothing
keeps nobody out. A WebSocket is let in without one, and gives its own back then; a poll that is held has
one elsewhere (`realtime.connection_limits`).

A trusted proxy brings everybody's requests: its connections are counted in all only, and from a request's
head until its answer by the address of the client. Probes have a few places of their own where all others are
taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from weakref import WeakValueDictionary

from realtime import metrics
from realtime.connection_limits import Limit
from realtime.networks import Network, counted_networks, read_address
from realtime.proxies import THIS_MACHINE, client_address, is_trusted

FULL = Limit(
    "MAX_PLAIN_CONNECTIONS",
    "MAX_PLAIN_CONNECTIONS is reached: too many are open, come back in a moment",
)
FULL_ADDRESS = Limit(
    "MAX_PLAIN_CONNECTIONS_PER_ADDRESS",
    "MAX_PLAIN_CONNECTIONS_PER_ADDRESS is reached: too many are open from your address",
)
WAITING = 1000  # connections without a place, which wait for it or for the answer that there is none
FORWARDED_FOR = b"x-forwarded-for"
PROBES = {b"/health", b"/ready"}
PROBE_PLACES, PROBE_PLACES_OF_AN_ADDRESS = 20, 5

HeaderList = Sequence[tuple[bytes, bytes]]


class State(Enum):
    """What a connection is to the bounds."""

    WAITING = auto()  # it has no place
    IDLE = auto()  # nothing is asked by it: it may have to give its place up
    BUSY = auto()
    ELSEWHERE = auto()  # a place of another kind is its
    GONE = auto()


COUNTED = (State.IDLE, State.BUSY)


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

    __slots__ = ("_close", "_groups", "_of_peer", "_peer", "_places", "state")

    def __init__(self, peer: str, close: Callable[[], None], places: "PlainConnections") -> None:
        self._peer = peer
        self._close = close
        self._places = places
        self._of_peer = self._groups = places.groups_of(peer)
        self.state = State.GONE
        self._become(self._or_waiting(State.IDLE))

    def begin(self) -> None:
        """A request begins to come."""
        if self.state is State.IDLE:
            self._become(State.BUSY)

    def take(self, target: bytes, headers: HeaderList) -> Limit | None:
        """The head of a request has come, which needs a place to be answered; the limit that leaves none."""
        self._count_for_client(headers)
        full = None if self.state in COUNTED else self._make_room()
        if full is not None and _is_probe(target, headers):
            self._count_with(self._places.groups_of_probe(self._peer, headers))
            full = self._make_room()
        if full is None:
            self._become(State.BUSY)
        else:
            self._become(State.WAITING)
            metrics.LIMIT_REFUSALS.labels(full.variable).inc()
        return full

    def shake_hands(self, headers: HeaderList) -> None:
        """The head of a WebSocket's handshake has come, which waits with a place or without one."""
        self._count_for_client(headers)
        if self.state not in COUNTED:
            self._become(self._or_waiting(State.BUSY))

    def hold(self) -> None:
        """Its request has a place of another kind."""
        if self.state is State.BUSY:
            self._become(State.ELSEWHERE)

    def hand_over(self, close: Callable[[], None]) -> None:
        """It is another protocol's, which closes it by that."""
        self._close = close

    def rest(self) -> None:
        """All is answered: it is its peer's again."""
        if self.state in (State.BUSY, State.ELSEWHERE):
            self._count_with(self._of_peer)
            self._become(self._or_waiting(State.IDLE))

    def leave(self) -> None:
        """It is closed, or has for good a place of another kind."""
        self._become(State.GONE)
        self._groups = self._of_peer = []
        self._close = _nothing

    def _count_for_client(self, headers: HeaderList) -> None:
        """Of a request that a proxy has brought; any other is its peer's as before."""
        if any(name == FORWARDED_FOR for name, _ in headers):
            self._count_with(self._places.groups_of(self._peer, headers))

    def _count_with(self, groups: list[Group]) -> None:
        """From now on; the place that it had is free."""
        self._become(State.GONE)
        self._groups = groups

    def _or_waiting(self, state: State) -> State:
        return State.WAITING if any(group.is_full for group in self._groups) else state

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
        by = (state in COUNTED) - (self.state in COUNTED)
        for group in self._groups:
            group.taken += by
            group.idle.pop(self, None)
            if state is State.IDLE:
                group.idle[self] = None
        self.state = state
        self._places.wait(self, state is State.WAITING)


class PlainConnections:
    """Those of one process.

    most, of_an_address: places in all, and for each address; 0 is no bound
    proxies: whose connections are counted in all, and the requests by them by their clients' addresses
    """

    def __init__(self, most: int = 0, of_an_address: int = 0, proxies: Sequence[Network] = ()) -> None:
        self._of_an_address = of_an_address
        self._proxies = proxies
        self._all = Group(FULL, most)
        self._probes = Group(FULL, PROBE_PLACES)
        # A group is there for as long as a connection is in it.
        self._groups: WeakValueDictionary[str, Group] = WeakValueDictionary()
        self._waiting: dict[PlainConnection, None] = {}

    def arrive(self, peer: str | None, close: Callable[[], None]) -> PlainConnection:
        """A connection of that address (None: by a Unix socket); `close` ends it, for another one."""
        return PlainConnection(peer or THIS_MACHINE, close, self)

    def groups_of(self, peer: str, headers: HeaderList = ()) -> list[Group]:
        """What a connection is counted with, the narrowest first; `headers` are those of its request."""
        address = self._client(peer, headers)
        networks = [] if is_trusted(read_address(address), self._proxies) else counted_networks(address)
        return [*(self._group(key, self._of_an_address * factor) for key, factor in networks), self._all]

    def groups_of_probe(self, peer: str, headers: HeaderList) -> list[Group]:
        """The same of a probe for which there is no other place."""
        address = counted_networks(self._client(peer, headers))[0][0]
        return [self._group(f"probes of {address}", PROBE_PLACES_OF_AN_ADDRESS), self._probes]

    def wait(self, connection: PlainConnection, waits: bool) -> None:
        """Whether it has no place now. Of too many that have none the first goes."""
        if not waits:
            self._waiting.pop(connection, None)
            return
        self._waiting[connection] = None
        if len(self._waiting) > WAITING:
            next(iter(self._waiting)).give_up()

    def _client(self, peer: str, headers: HeaderList) -> str:
        """The address that can be believed."""
        said = [value for name, value in headers if name == FORWARDED_FOR]
        found, _ = client_address(read_address(peer), said, self._proxies) if said else (None, 0)
        return peer if found is None else str(found)

    def _group(self, key: str, most: int) -> Group:
        return self._groups.setdefault(key, Group(FULL_ADDRESS, most))


def _is_probe(target: bytes, headers: HeaderList) -> bool:
    """Of one with a body the client says how long it takes."""
    path = target.partition(b"?")[0].removesuffix(b"/")
    return path in PROBES and not any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in headers
    )


def _nothing() -> None:
    pass
