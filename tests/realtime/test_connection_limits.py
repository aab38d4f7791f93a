"""Which limit a new connection meets, and which connections go when a limit is lowered: one rule for both."""

from dataclasses import replace
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from realtime import connection_limits as limits
from realtime import policy
from realtime.census import Census, Counts, Place
from realtime.connection_limits import Limit, excess, reached
from realtime.policy import Policy

NONE: dict[str, Any] = dict.fromkeys(policy.SETTINGS, 0) | {
    "max-connections": 10,
    "connection-timeout": 1000,
    "rate-limit-window": 1000,
}
FREE = policy.in_force(NONE, {})
"""Ten sockets, and no other limit."""


def guest(address: str = "192.0.2.1", is_poll: bool = False) -> Place:
    return Place(None, address, is_poll)


def user(name: str, address: str = "192.0.2.1", is_poll: bool = False) -> Place:
    return Place(name, address, is_poll)


def come(in_force: Policy, *places: Place, there: Counts | None = None) -> list[Limit | None]:
    """What each meets, one after the other; who meets nothing stays."""
    there, met = there or Counts(), []
    for place in places:
        met.append(reached(place, there, in_force))
        if met[-1] is None:
            there.add(place)
    return met


def test_guests_take_no_place_that_is_kept_for_users() -> None:
    kept = replace(FREE, kept_for_users=20)
    there = Counts()
    guests = [guest(f"192.0.2.{number}") for number in range(9)]
    assert come(kept, *guests, there=there) == [None] * 8 + [limits.FULL_GUESTS]
    users = [user(f"user {number}") for number in range(3)]
    assert come(kept, *users, there=there) == [None, None, limits.FULL]


def test_users_may_take_every_place() -> None:
    kept = replace(FREE, kept_for_users=20)
    there = Counts()
    assert come(kept, *(user(str(number)) for number in range(10)), there=there) == [None] * 10
    assert come(kept, user("one more"), guest(), there=there) == [limits.FULL, limits.FULL]


def test_with_all_places_kept_no_guest_comes_in() -> None:
    assert come(replace(FREE, kept_for_users=100), guest(), user("ada")) == [limits.FULL_GUESTS, None]


def test_clients_that_are_not_let_in_yet_keep_no_user_out() -> None:
    """Socket.IO clients open a transport before they say who they are, and more of them than have places."""
    kept, census = replace(FREE, kept_for_users=20), Census()
    for number in range(12):
        census.arrive(f"192.0.2.{number}", has_place=reached(guest(), census, kept) is None)
    assert (census.open_sockets, census.sockets.guests) == (12, 8)
    assert come(kept, guest("198.51.100.1"), there=census) == [limits.FULL_GUESTS]
    assert come(kept, user("ada"), user("grace"), user("tom"), there=census) == [None, None, limits.FULL]


def test_guests_of_before_a_share_was_kept_take_no_users_place() -> None:
    there = Counts()
    assert come(FREE, *(guest() for _ in range(10)), there=there) == [None] * 10
    kept = replace(FREE, kept_for_users=20)
    assert come(kept, user("ada"), user("grace"), user("tom"), there=there) == [None, None, limits.FULL]


def test_clients_without_a_place_are_bounded_for_each_address() -> None:
    census = Census()
    for _ in range(10):
        assert census.takes_another_without_place("2001:db8::1")
        census.arrive("2001:db8::1", has_place=False)
    assert not census.takes_another_without_place("2001:db8::2")  # of the same /64
    for number in range(90):
        census.arrive(f"192.0.2.{number}", has_place=False)
    assert not census.takes_another_without_place("198.51.100.1")
    for number in range(90):
        census.depart(f"192.0.2.{number}", has_place=False)
    assert census.takes_another_without_place("198.51.100.1")
    assert (census.open_sockets, census.sockets.total, dict(census.of_guests)) == (10, 0, {})


def test_sockets_and_polls_have_places_of_their_own_and_count_together_for_whose_they_are() -> None:
    in_force = replace(FREE, max_connections=1, max_held_polls=1)
    assert come(in_force, user("ada"), user("ada", is_poll=True)) == [None, None]
    polls = [user(str(number), is_poll=True) for number in range(2)]
    assert come(in_force, *polls) == [None, limits.FULL_POLLS]
    each = replace(FREE, max_per_user=1, max_guests_per_address=1)
    assert come(each, user("ada"), user("ada", is_poll=True)) == [None, limits.FULL_USER]
    assert come(each, guest(is_poll=True), guest()) == [None, limits.FULL_GUEST_ADDRESS]


def test_an_office_may_be_one_address_for_those_who_are_logged_in() -> None:
    in_force = replace(FREE, max_guests_per_address=2)
    there = Counts()
    assert come(in_force, guest(), guest(), guest(), there=there)[-1] is limits.FULL_GUEST_ADDRESS
    assert come(in_force, *(user(str(number)) for number in range(5)), there=there) == [None] * 5
    all_of_it = replace(FREE, max_per_address=2)
    assert come(all_of_it, guest(), user("ada"), user("tom"))[-1] is limits.FULL_ADDRESS


def test_of_ipv6_a_64_is_an_address_and_a_48_is_four() -> None:
    in_force = replace(FREE, max_connections=1000, max_guests_per_address=2)
    there = Counts()
    one = [guest(f"2001:db8:1:1::{number}") for number in range(1, 4)]
    assert come(in_force, *one, there=there) == [None, None, limits.FULL_GUEST_ADDRESS]
    others = [guest(f"2001:db8:1:{number:x}::1") for number in range(2, 10)]
    assert come(in_force, *others, there=there) == [None] * 6 + [limits.FULL_GUEST_ADDRESS] * 2
    assert come(in_force, guest("2001:db8:2::1"), there=there) == [None]


def test_polls_without_a_limit_have_no_share_that_is_kept() -> None:
    in_force = replace(FREE, max_held_polls=0, kept_for_users=50)
    assert come(in_force, *(guest(is_poll=True) for _ in range(20))) == [None] * 20


def test_of_a_limit_that_is_lowered_the_newest_go() -> None:
    opened = [(3.0, "third", guest()), (1.0, "first", guest()), (2.0, "second", user("ada"))]
    assert excess(opened, FREE) == {}
    assert excess(opened, replace(FREE, max_connections=1)) == {
        "second": limits.FULL,
        "third": limits.FULL,
    }
    assert excess(opened, replace(FREE, max_guests_per_address=1)) == {"third": limits.FULL_GUEST_ADDRESS}


some_place = st.builds(
    Place,
    st.none() | st.sampled_from(["ada", "grace"]),
    st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"]),
    st.booleans(),
)
some_limits = st.builds(
    partial(replace, FREE),
    max_connections=st.integers(1, 8),
    kept_for_users=st.integers(0, 100),
    max_per_user=st.integers(0, 4),
    max_guests_per_address=st.integers(0, 3),
    max_per_address=st.integers(0, 5),
    max_held_polls=st.integers(0, 6),
)


@given(places=st.lists(some_place, max_size=30), in_force=some_limits, gone=st.sets(st.integers(0, 29)))
def test_whoever_was_let_in_may_stay_whoever_has_left_meanwhile(
    places: list[Place], in_force: Policy, gone: set[int]
) -> None:
    """Else an operator who changes a banner would cut people off."""
    there = Counts()
    opened = []
    for number, place in enumerate(places):
        if reached(place, there, in_force) is None:
            there.add(place)
            opened.append((float(number), str(number), place))
    staying = [each for each in opened if int(each[1]) not in gone]
    assert excess(staying, in_force) == {}


@given(places=st.lists(some_place, max_size=30), in_force=some_limits)
def test_what_is_left_after_a_limit_was_lowered_keeps_it(places: list[Place], in_force: Policy) -> None:
    opened = [(float(number), str(number), place) for number, place in enumerate(places)]
    going = excess(opened, in_force)
    left = Counts()
    for _, name, place in opened:
        if name not in going:
            left.add(place)
    assert left.sockets.total <= in_force.max_connections
    assert left.sockets.guests <= in_force.max_connections * (100 - in_force.kept_for_users) / 100 + 1
    assert in_force.max_per_user == 0 or all(n <= in_force.max_per_user for n in left.of_user.values())
