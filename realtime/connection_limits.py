"""How many connections a gateway has places for: in all, for each user and for each address. Pure.

A connection is a socket or a held poll. Each kind has places of its own, of which guests can take a share
only; for each user and address both count together. What is let in and what is closed when a limit is lowered
is decided by the one function `reached`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from realtime.census import Counts, Place
from realtime.networks import counted_networks
from realtime.policy import Policy

IS_FULL = "this gateway is full: come back later"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that may be reached: the variable that sets it, and what a client is told."""

    variable: str
    reason: str

    @property
    def advice(self) -> str:
        """For operators."""
        return f"{self.variable} is reached"


FULL = Limit("MAX_CONNECTIONS", IS_FULL)
FULL_POLLS = Limit("MAX_HELD_POLLS", "as many polls are held here as may be")
FULL_GUESTS = Limit("CONNECTIONS_KEPT_FOR_USERS", "no place is left for guests: log in, or come back later")
FULL_USER = Limit("MAX_CONNECTIONS_PER_USER", "you have too many connections open")
FULL_GUEST_ADDRESS = Limit(
    "MAX_GUESTS_PER_ADDRESS", "too many guests are connected from your address: log in, or come back later"
)
FULL_ADDRESS = Limit("MAX_CONNECTIONS_PER_ADDRESS", "too many connections are open from your address")
HANDSHAKES = Limit("HANDSHAKES_PER_MINUTE", "too many handshakes from your address: wait a minute")
ALL = (FULL, FULL_POLLS, FULL_GUESTS, FULL_USER, FULL_GUEST_ADDRESS, FULL_ADDRESS, HANDSHAKES)
BY_REASON = {limit.reason: limit for limit in ALL}
CLOSING = tuple(limit.reason for limit in ALL if limit is not HANDSHAKES)
"""The reasons with which connections beyond a limit are closed."""


def reached(place: Place, there: Counts, in_force: Policy) -> Limit | None:
    """The limit that leaves no place for one more connection beside those that are there."""
    is_guest, tally = place.user_id is None, there.tally(place)
    most = in_force.max_held_polls if place.is_poll else in_force.max_connections
    for_guests = most - most * in_force.kept_for_users // 100
    # Those who are there may be more than a limit allows that has just been lowered: guests never count for
    # more than the places that they may have.
    taken = tally.total if is_guest else tally.users + min(tally.guests, for_guests)
    if _is_over(taken, most):
        return FULL_POLLS if place.is_poll else FULL
    if is_guest and most and tally.guests >= for_guests:
        return FULL_GUESTS
    if place.user_id is not None and user_is_full(there.of_user[place.user_id], in_force):
        return FULL_USER
    for key, factor in counted_networks(place.address):
        if is_guest and _is_over(there.of_guests[key], in_force.max_guests_per_address * factor):
            return FULL_GUEST_ADDRESS
        if _is_over(there.of_address[key], in_force.max_per_address * factor):
            return FULL_ADDRESS
    return None


def user_is_full(open_now: int, in_force: Policy) -> bool:
    """Whether a user with so many connections may open no other."""
    return _is_over(open_now, in_force.max_per_user)


def _is_over(count: int, most: int) -> bool:
    return 0 < most <= count


def excess(opened: Iterable[tuple[float, str, Place]], in_force: Policy) -> dict[str, Limit]:
    """Of (when it was opened, id, place) the ids of those that the limits leave no place for: the newest, for
    whom the least is lost.
    """
    there, found = Counts(), {}
    for _, connection_id, place in sorted(opened):
        limit = reached(place, there, in_force)
        if limit is None:
            there.add(place)
        else:
            found[connection_id] = limit
    return found
