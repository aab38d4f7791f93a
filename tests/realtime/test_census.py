"""Limits for each address and user rest on counts that are kept, not on a look at every socket."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from realtime.connection import Connection, Identity
from realtime.gateway import Gateway
from realtime.networks import counted_networks

users = st.sampled_from(["ada", "grace"])
steps = st.one_of(
    st.tuples(
        st.just("open"),
        st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]),
        st.none() | users,
    ),
    st.tuples(st.just("identify"), st.integers(0, 5), users),
    st.tuples(st.just("close"), st.integers(0, 5)),
)


def identity(user: str) -> Identity:
    return Identity(user, user, user)


@given(story=st.lists(steps, max_size=30))
def test_the_census_counts_what_is_open(story: list[tuple[Any, ...]]) -> None:
    gateway = Gateway([], version="test")
    opened: list[Connection] = []
    for verb, *arguments in story:
        match verb, arguments:
            case "open", [address, user]:
                who = identity(user) if user else None
                opened.append(Connection(str(uuid4()), address, "", 0.0, lambda: None, who))
                gateway.add(opened[-1])
            case "identify", [number, user] if number < len(opened):
                gateway.identify(opened[number], identity(user))  # one that is gone, too
            case "close", [number] if number < len(opened):
                gateway.remove(opened[number])
    there = list(gateway.connections.values())
    guests = [each for each in there if each.user_id is None]
    census = gateway.census
    assert (census.sockets.users, census.sockets.guests) == (len(there) - len(guests), len(guests))
    assert (gateway.open_sockets, census.polls.total) == (len(there), 0)
    assert dict(census.of_address) == keys(there)
    assert dict(census.of_guests) == keys(guests)
    assert dict(census.of_user) == Counter(each.user_id for each in there if each.user_id)


def keys(connections: Iterable[Connection]) -> Counter[str]:
    return Counter(key for each in connections for key, _ in counted_networks(each.address))
