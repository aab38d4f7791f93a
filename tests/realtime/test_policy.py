"""What is in force when the environment and the operators say different things, and whom that touches."""

from typing import Any

import pytest

from realtime import enforcement, policy
from realtime.enforcement import Terms, ground
from realtime.networks import Block, Blocklist, read_network
from realtime.policy import SETTINGS, Kind, Policy
from realtime.protocol import CloseCode

ENVIRONMENT: dict[str, Any] = {
    "realtime": True,
    "strict": False,
    "require-auth": False,
    "rate-limit": False,
    "rate-limit-max": 100,
    "rate-limit-window": 60_000,
    "max-connections": 1000,
    "kept-for-users": 20,
    "max-connections-per-user": 100,
    "max-guests-per-address": 100,
    "max-connections-per-address": 0,
    "max-held-polls": 1000,
    "connection-timeout": 300_000,
}
SWITCHES = [setting for setting in SETTINGS.values() if setting.kind is Kind.SWITCH]
NOTHING = Blocklist()


def with_operators(**operators: Any) -> Policy:
    named = {name.replace("_", "-"): value for name, value in operators.items()}
    return policy.in_force(ENVIRONMENT, named)


@pytest.mark.parametrize("setting", SWITCHES, ids=lambda setting: setting.name)
def test_the_stricter_of_the_two_wins(setting: policy.Setting) -> None:
    """A switch thrown anywhere holds: nobody undoes it by saying nothing, or the other thing, elsewhere."""
    lax = not setting.strict
    for one, other in [(setting.strict, lax), (lax, setting.strict), (setting.strict, setting.strict)]:
        assert setting.in_force(one, other) is setting.strict
    assert setting.in_force(lax, lax) is setting.in_force(lax, None) is lax
    assert setting.in_force(setting.strict, None) is setting.strict


def test_a_number_is_the_operators_where_they_have_set_one() -> None:
    assert with_operators(max_connections=5).max_connections == 5
    assert with_operators(max_connections=5000).max_connections == 5000
    assert with_operators().max_connections == 1000
    assert with_operators(connection_timeout=60_000).idle_timeout == 60


def test_strict_mode_brings_required_credentials_and_the_rate_limit() -> None:
    in_force = with_operators(strict=True)
    assert (in_force.strict, in_force.require_auth, in_force.rate_limited) == (True, True, True)


def test_a_value_that_does_not_hold_says_what_is_allowed() -> None:
    for name, value, said in [
        ("max-connections", 0, "a whole number from 1"),
        ("max-connections", "5", "a whole number"),
        ("max-connections", True, "a whole number"),
        ("strict", "on", "on or off"),
        ("connection-timeout", 59_999, "a whole number from 60000"),
        ("banner", "x" * 301, "at most 300 characters"),
    ]:
        with pytest.raises(ValueError, match=f"{name}: expected {said}"):
            SETTINGS[name].check(value)
    assert SETTINGS["banner"].check("  two \n words ") == "two words"
    assert SETTINGS["banner"].check("") is None


def standing(credential: str = "token", has_origin: bool = False, address: str = "192.0.2.7") -> Terms:
    return Terms(address, credential, has_origin)


@pytest.mark.parametrize(
    "operators, who, code",
    [
        ({}, standing("guest"), None),
        ({"realtime": False}, standing(), CloseCode.REALTIME_OFF),
        ({"strict": True}, standing("guest", has_origin=True), CloseCode.FORBIDDEN),
        ({"strict": True}, standing("session"), CloseCode.FORBIDDEN),
        ({"strict": True}, standing("session", has_origin=True), None),
        ({"strict": True}, Terms("192.0.2.7", "session", has_origin=False, transport="long-poll"), None),
        ({"strict": True}, standing("token"), None),
        ({"require_auth": True}, standing("guest"), CloseCode.UNAUTHENTICATED),
        ({"require_auth": True}, standing("session"), None),
        ({}, standing("previous"), CloseCode.UNAUTHENTICATED),  # no previous secret is accepted here
    ],
)
def test_who_may_not_stay(operators: dict[str, Any], who: Terms, code: CloseCode | None) -> None:
    found = ground(who, with_operators(**operators), NOTHING, now=0)
    assert (found and found[0]) == code


def test_a_blocked_network_goes_whatever_it_shows() -> None:
    blocked = Blocklist([Block(read_network("192.0.2.0/24"), until=10)])
    assert ground(standing(), with_operators(), blocked, now=9) == (CloseCode.FORBIDDEN, enforcement.BLOCKED)
    assert ground(standing(), with_operators(), blocked, now=10) is None


def test_the_previous_secret_is_dropped_by_its_digest_and_no_other() -> None:
    said = {**ENVIRONMENT, policy.DROPPED_SECRET: policy.secret_digest("the old one")}
    assert policy.in_force(said, {}).previous_secret
    assert policy.in_force(said, {policy.DROPPED_SECRET: [policy.secret_digest("another")]}).previous_secret
    digests = [policy.secret_digest("another"), policy.secret_digest("the old one")]
    dropped = {policy.DROPPED_SECRET: digests}
    assert not policy.in_force(said, dropped).previous_secret
