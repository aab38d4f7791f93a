"""Small decisions that clients depend on: the policy in force, a poll's parameters, the socket's address."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from realtime import policy
from realtime.poll_query import Problem, Query, read_query
from realtime.transport import describe, websocket_url

Ask = Callable[..., str]


# --- Policy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("require_auth, rate_limit", [(False, False), (True, True)])
def test_strict_mode_brings_credentials_and_the_rate_limit_with_it(
    settings: Settings, require_auth: bool, rate_limit: bool
) -> None:
    settings.STRICT_MODE = True
    settings.REQUIRE_AUTH, settings.RATE_LIMIT_ENABLED = require_auth, rate_limit
    in_force = policy.in_force(policy.environment(), {})
    assert (in_force.strict, in_force.require_auth, in_force.rate_limited) == (True, True, True)


@pytest.mark.parametrize("require_auth", [False, True])
@pytest.mark.parametrize("rate_limit", [False, True])
def test_without_strict_mode_each_switch_stands_alone(
    settings: Settings, require_auth: bool, rate_limit: bool
) -> None:
    settings.REQUIRE_AUTH, settings.RATE_LIMIT_ENABLED = require_auth, rate_limit
    in_force = policy.in_force(policy.environment(), {})
    assert (in_force.strict, in_force.require_auth, in_force.rate_limited) == (
        False,
        require_auth,
        rate_limit,
    )


def test_milliseconds_of_the_environment_are_seconds_inside(settings: Settings) -> None:
    settings.RATE_LIMIT_WINDOW, settings.CONNECTION_TIMEOUT = 60_000, 1500
    in_force = policy.in_force(policy.environment(), {})
    assert (in_force.rate_window, in_force.idle_timeout) == (60, 1.5)


# --- A poll's parameters --------------------------------------------------------------------------


def errors(query: bytes) -> dict[str, Any]:
    with pytest.raises(Problem) as caught:
        read_query(query)
    body = json.loads(caught.value.body)
    assert (caught.value.status, body["code"]) == (400, "bad-request")
    found: dict[str, Any] = body["errors"]
    return found


def test_a_poll_has_defaults() -> None:
    assert read_query(b"") == Query(since=0, limit=500, wait=0)


def test_a_poll_reads_its_parameters() -> None:
    assert read_query(b"since=41&limit=1000&wait=30000") == Query(41, 1000, 30)
    assert read_query(b"since=9223372036854775807").since == 2**63 - 1


@pytest.mark.parametrize(
    "query, name",
    [
        *(
            (f"since={bad}", "since")
            for bad in ("-1", "abc", "", "1.0", "9223372036854775808", "1e3", "%D9%A3", "+1")
        ),
        *((f"limit={bad}", "limit") for bad in ("0", "1001", "-1", "all", "", "1" * 5000)),
        *((f"wait={bad}", "wait") for bad in ("-1", "30001", "30s", "")),
        *(("after=1", "after"), ("Since=1", "Since"), ("=", "")),
    ],
)
def test_a_parameter_that_does_not_hold_is_named(query: str, name: str) -> None:
    """`since` silently taken for 0 would send a whole history, again and again."""
    assert set(errors(query.encode())) == {name}


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert set(errors(b"since=x&limit=0&wait=-1&more=1")) == {"since", "limit", "wait", "more"}


@given(st.binary(max_size=80))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    with suppress(Problem):
        assert 0 <= read_query(query).wait <= 30


# --- The socket's address -------------------------------------------------------------------------


@pytest.fixture
def ask(settings: Settings) -> Ask:
    settings.PUBLIC_WEBSOCKET_URL, settings.SERVED_PORT = "", 8002
    settings.CORS_ORIGINS = ["http://localhost:3001"]
    settings.ALLOWED_HOSTS = ["*"]

    def asked(host: str, **headers: str) -> str:
        return websocket_url(RequestFactory().get("/", headers={"host": host, **headers}))

    return asked


def test_the_socket_is_on_its_port_of_the_host_that_was_asked(ask: Ask) -> None:
    assert ask("localhost:3001") == "ws://localhost:8002/"
    assert ask("192.0.2.7:3001") == "ws://192.0.2.7:8002/"
    assert ask("boards.example") == "ws://boards.example:8002/"


def test_where_this_process_does_not_know_its_port_it_is_the_address_that_was_asked(
    ask: Ask, settings: Settings
) -> None:
    """Under runserver, another server's command, or a Unix socket."""
    settings.SERVED_PORT = 0
    assert ask("localhost:3001") == "ws://localhost:3001/ws"


def test_an_ipv6_host_keeps_its_brackets(ask: Ask) -> None:
    assert ask("[::1]:3001") == "ws://[::1]:8002/"


def test_a_page_of_the_listed_origin_goes_to_the_gateways_port(ask: Ask) -> None:
    assert ask("localhost:3001", referer="http://localhost:3001/projects") == "ws://localhost:8002/"


def test_a_page_whose_origin_is_not_listed_is_sent_to_its_own_port(ask: Ask) -> None:
    """It may not open sockets on another port: it would stay on polling without a reason that one sees."""
    assert ask("192.0.2.7:3001", referer="http://192.0.2.7:3001/projects") == "ws://192.0.2.7:3001/ws"


def test_a_page_of_elsewhere_changes_nothing(ask: Ask) -> None:
    assert ask("localhost:3001", referer="http://evil.example/") == "ws://localhost:8002/"


@pytest.mark.parametrize(
    "referer", ["nonsense", "http://[", "http://a:port/", "//", "http://localhost:99999/"]
)
def test_a_referer_that_is_no_address_is_no_reason_to_fail(ask: Ask, referer: str) -> None:
    assert ask("localhost:3001", referer=referer) == "ws://localhost:8002/"


def test_the_public_address_wins_over_every_guess(ask: Ask, settings: Settings) -> None:
    settings.PUBLIC_WEBSOCKET_URL = "wss://live.example/"
    assert ask("192.0.2.7:3001", referer="http://192.0.2.7:3001/") == "wss://live.example/"


def test_an_encrypted_page_gets_an_encrypted_socket(ask: Ask) -> None:
    request = RequestFactory().get("/", secure=True, headers={"host": "boards.example"})
    assert websocket_url(request) == "wss://boards.example:8002/"


def test_a_client_hears_in_one_answer_how_to_connect(ask: Ask, settings: Settings) -> None:
    settings.ENABLE_REALTIME, settings.POLL_INTERVAL = False, 2000
    request = RequestFactory().get("/", headers={"host": "localhost:3001"})
    assert describe(request, policy.in_force(policy.environment(), {})) == {
        "realtime": False,
        "websocketUrl": "ws://localhost:8002/",
        "pollIntervalMs": 2000,
        "banner": None,
    }
