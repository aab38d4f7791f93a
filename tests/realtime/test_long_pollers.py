"""A client that polls is one connection: it has one place and one row in the audit, however often it asks."""

import asyncio
from typing import Any

import pytest

from realtime.admission import Handshake
from realtime.connection import Connection, Identity
from realtime.connection_limits import FULL_GUEST_ADDRESS
from realtime.eventlog import Page
from realtime.gateway import Gateway
from realtime.long_pollers import GRACE_SECONDS, LongPoller
from realtime.rooms import Room, RoomKind

NOTES = RoomKind("note", "noteId", frozenset(), lambda room_id, users: set(users))
ADA = Identity("1", "Ada", "ada", expires_at=100.0)


@pytest.fixture
def gateway() -> Gateway:
    return Gateway([NOTES], version="test")


def handshake(address: str = "192.0.2.1", agent: str = "browser", token: str | None = None) -> Handshake:
    return Handshake(None, None, address, agent, token, None, None)


def begin(gateway: Gateway, user: Identity | None = None, room: str = "a", **shown: Any) -> LongPoller:
    token = "a token" if user else None
    found = gateway.long_pollers.begin(handshake(token=token, **shown), user, Room(NOTES, room))
    assert isinstance(found, LongPoller), found
    return found


def audited(gateway: Gateway) -> list[Connection]:
    return [entry.connection for entry in gateway.audit._open.values()]


def later(gateway: Gateway, seconds: float) -> None:
    """As if so much time had gone by."""
    for poller in gateway.long_pollers.open.values():
        assert isinstance(poller, LongPoller)
        poller.rests_since -= seconds
    asyncio.run(gateway.long_pollers.sweep())


def test_polls_of_one_client_are_one_connection(gateway: Gateway) -> None:
    for _ in range(3):
        poller = begin(gateway, ADA)
        poller.answer(Page(4, [], more=False))
        gateway.long_pollers.rest(poller)
        later(gateway, GRACE_SECONDS - 1)
    assert audited(gateway) == [poller]
    assert (poller.frames_in, poller.transport, poller.credential) == (3, "long-poll", "token")
    assert (gateway.census.polls.users, gateway.census.sockets.total, gateway.open_sockets) == (1, 0, 0)


def test_a_client_that_polls_no_more_gives_its_place_back(gateway: Gateway) -> None:
    poller = begin(gateway)
    gateway.long_pollers.rest(poller)
    later(gateway, GRACE_SECONDS + 1)
    assert not gateway.long_pollers.open
    assert not audited(gateway)
    assert (gateway.census.polls.total, dict(gateway.census.of_address)) == (0, {})
    (ended,) = gateway.audit._ended.values()
    assert (ended.close_code, ended.close_reason) == (1000, "the client polls no more")


def test_a_poll_that_is_held_is_not_taken_for_one_that_rests(gateway: Gateway) -> None:
    poller = begin(gateway)
    later(gateway, 60)
    assert list(gateway.long_pollers.open.values()) == [poller]


@pytest.mark.parametrize(
    "other",
    [{"room": "b"}, {"address": "192.0.2.2"}, {"agent": "script"}, {"user": Identity("2", "Bo", "bo")}],
    ids=lambda other: next(iter(other)),
)
def test_another_room_address_agent_or_user_is_another_connection(
    gateway: Gateway, other: dict[str, Any]
) -> None:
    first = begin(gateway, ADA)
    gateway.long_pollers.rest(first)
    assert begin(gateway, **{"user": ADA, **other}) is not first
    assert len(audited(gateway)) == 2


def test_two_windows_that_poll_at_once_are_two_connections(gateway: Gateway) -> None:
    first, second = begin(gateway, ADA), begin(gateway, ADA)
    assert first is not second
    for poller in (first, second):
        gateway.long_pollers.rest(poller)
    assert {begin(gateway, ADA), begin(gateway, ADA)} == {first, second}


def test_a_newer_token_of_the_same_user_is_the_same_connection(gateway: Gateway) -> None:
    """And an equal identity, as each poll brings one, is nothing new to the audit."""
    first = begin(gateway, ADA)
    gateway.long_pollers.rest(first)
    equal = Identity("1", "Ada", "ada", expires_at=100.0)
    assert begin(gateway, equal).identity is ADA
    gateway.long_pollers.rest(first)
    newer = Identity("1", "Ada", "ada", expires_at=200.0)
    assert begin(gateway, newer) is first
    assert first.identity is newer


def test_a_connection_that_is_closed_between_two_polls_ends_at_once(gateway: Gateway) -> None:
    poller = begin(gateway)
    gateway.long_pollers.rest(poller)
    poller.close(4403, "disconnected by an operator")
    assert not gateway.long_pollers.open
    assert begin(gateway) is not poller


def test_a_connection_that_is_closed_while_a_poll_is_held_ends_with_it(gateway: Gateway) -> None:
    poller, woken = begin(gateway), []
    poller.wake = lambda: woken.append(True)
    poller.close(4403, "disconnected by an operator")
    assert woken
    gateway.long_pollers.rest(poller)
    assert not gateway.long_pollers.open


def test_a_client_without_a_place_is_told_by_which_limit(gateway: Gateway, settings: Any) -> None:
    settings.MAX_GUESTS_PER_ADDRESS = 1
    gateway.following.policy = gateway.following.rules.policy
    begin(gateway)
    refused = gateway.long_pollers.begin(handshake(agent="another"), None, Room(NOTES, "a"))
    assert refused is FULL_GUEST_ADDRESS


def test_a_client_that_polls_is_sent_no_frame(gateway: Gateway) -> None:
    poller = begin(gateway)
    for _ in range(2000):
        assert not poller.send('{"event":"system:banner"}')
    assert (len(poller.outbox), poller.closing) == (0, None)


def test_polls_that_bring_nothing_are_no_news_for_the_audit(gateway: Gateway) -> None:
    """A poll that is held for 25 s and asked again would else be a write each time."""
    poller = begin(gateway)
    (entry,) = gateway.audit._open.values()
    now = poller.opened_at
    entry.identity, entry.rooms, entry.counted = None, set(poller.seats), (1, 0, 0)
    entry.written_at = entry.looked_at = now
    for second in (12, 25, 37, 50):
        poller.frames_in += 1
        assert not entry.due(now + second, lambda _: 0)
    assert entry.due(now + 61, lambda _: 0) or poller.last_frame_at <= now
    poller.frames_in += 20
    assert entry.due(now + 75, lambda _: 0)
