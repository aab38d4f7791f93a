"""The environment: a typing error in a switch must stop the start, and never pass for "off"."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from devmentor import env
from tests.support.environment import environment
from tests.support.processes import ROOT

LONG = "a secret of at least thirty-two bytes!"


def settings_printed(expression: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Load the real settings in a process of their own and print what `expression` gives there."""
    return subprocess.run(
        [sys.executable, "-c", f"from devmentor import settings; print({expression})"],
        cwd=ROOT,
        env=environment(variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def value(expression: str, **variables: str) -> str:
    done = settings_printed(expression, variables)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def complaint(**variables: str) -> str:
    """The one line with which the start is refused."""
    done = settings_printed("'started'", variables)
    assert done.returncode == 1, f"started with {variables}"
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


# --- The readers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["true", "TRUE", " True ", "1", "yes", "on"])
def test_words_for_on(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH", text)
    assert env.boolean("SWITCH", False) is True


@pytest.mark.parametrize("text", ["false", "FALSE", "0", "no", "off"])
def test_words_for_off(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH", text)
    assert env.boolean("SWITCH", True) is False


@pytest.mark.parametrize("default", [True, False])
def test_an_empty_switch_is_an_unset_one(default: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCH", " ")
    assert env.boolean("SWITCH", default) is default
    monkeypatch.delenv("SWITCH")
    assert env.boolean("SWITCH", default) is default


BAD: list[tuple[str, Callable[[str], Any], str, str]] = [
    *(
        ("boolean", lambda n: env.boolean(n, False), text, "true or false")
        for text in ("ture", "2", "y", "truefalse")
    ),
    *(
        ("whole", lambda n: env.whole(n, 5, least=1, most=10), text, "a whole number from 1 to 10")
        for text in ("0", "11", "-1", "1.5", "1e1", "abc", "0x5", "٣", "1_0", "99999999999999999999")
    ),
    *(
        ("url", lambda n: env.url(n, "", ("ws", "wss")), text, "ws:// or wss://")
        for text in ("http://a", "a", "ws:", "ws://", "ws://a:port", "ws://a:99999", "ws://[")
    ),
    *(
        ("redis_host", lambda n: [env.redis_host(n, url) for url in env.redis_urls(n)], text, "redis://")
        for text in ("localhost:6379", "http://a")
    ),
    *(
        ("origins", lambda n: env.origins(n, ""), text, "origin")
        for text in ("http://a/b", "http://a?b", "http://a#b")
    ),
    *(("origins", lambda n: env.origins(n, ""), text, "http://") for text in ("*", "localhost:3001")),
    *(
        ("networks", env.networks, text, "10.0.0.0/8")
        for text in ("10.0.0", "10.0.0.0/33", "proxy", "10.0.0.1-9", "*")
    ),
    *(("choice", lambda n: env.choice(n, "a", ("a", "b")), text, "one of a, b") for text in ("c", "a,b")),
]


@pytest.mark.parametrize("reader, read, text, allowed", BAD, ids=[f"{row[0]} {row[2]!r}" for row in BAD])
def test_a_bad_value_is_named_with_what_is_allowed(
    reader: str, read: Callable[[str], Any], text: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_NAME", text)
    with pytest.raises(SystemExit) as caught:
        read("SOME_NAME")
    line = str(caught.value)
    assert line.startswith("SOME_NAME=")
    assert text in line
    assert allowed in line
    assert "\n" not in line


def test_a_password_in_a_bad_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line ends in logs that many read."""
    monkeypatch.setenv("SOME_NAME", "http://user:hunter2@redis:6379")
    with pytest.raises(SystemExit) as caught:
        env.url("SOME_NAME", "", ("ws",))
    assert "hunter2" not in str(caught.value)


def test_lists_may_have_spaces_and_empty_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORIGINS", " http://A:3001/ ,, https://b.example ")
    assert env.origins("ORIGINS", "") == ["http://a:3001", "https://b.example"]


@pytest.mark.parametrize("text, read", [("", "a"), (" ", "a"), ("b", "b"), (" B ", "b")])
def test_a_choice_is_one_of_its_words(text: str, read: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOICE", text)
    assert env.choice("CHOICE", "a", ("a", "b")) == read


def test_networks_are_single_addresses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXIES", "10.0.0.7, 2001:db8::/32")
    assert [str(network) for network in env.networks("PROXIES")] == ["10.0.0.7/32", "2001:db8::/32"]


# --- The settings themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, text",
    [
        ("PORT", "abc"),
        ("PORT", "0"),
        ("WEB_PORT", "70000"),
        ("DEBUG", "ja"),
        ("STRICT_MODE", "ture"),
        ("ENABLE_REALTIME", "2"),
        ("MAX_CONNECTIONS", "many"),
        ("CONNECTION_TIMEOUT", "5m"),
        ("RATE_LIMIT_WINDOW", "1s"),
        ("RATE_LIMIT_MAX", "0"),
        ("DRAIN_WINDOW", "-1"),
        ("MAX_CONNECTION_AGE", "4h"),
        ("EVENT_RETENTION_DAYS", "40000"),
        ("EVENT_RETENTION_MINIMUM", "all"),
        ("CONNECTION_HISTORY_DAYS", "-1"),
        ("REDIS_URL", "localhost:6379"),
        ("DATABASE_URL", "mysql://localhost/x"),
        ("CORS_ORIGIN", "*"),
        ("TRUSTED_PROXIES", "proxy"),
        ("PUBLIC_WEBSOCKET_URL", "http://a"),
        ("PROMETHEUS_MULTIPROC_DIR", "/nowhere"),
    ],
)
def test_a_setting_that_does_not_parse_stops_the_start_with_one_line(name: str, text: str) -> None:
    line = complaint(**{name: text})
    assert line.startswith(f"{name}=")
    assert text in line
    assert "expected" in line


@pytest.mark.parametrize("name", ["JWT_SECRET", "SECRET_KEY"])
@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_without_debug_a_missing_or_short_secret_stops_the_start(name: str, secret: str) -> None:
    line = complaint(DEBUG="false", **{name: secret})
    assert name in line
    assert "32 bytes" in line
    assert secret == "" or secret not in line


def test_debug_is_off_unless_set() -> None:
    assert value("settings.DEBUG", DEBUG="", SECRET_KEY=LONG, JWT_SECRET=LONG) == "False"


def test_without_debug_good_secrets_start() -> None:
    assert value("settings.DEBUG", DEBUG="false", SECRET_KEY=LONG, JWT_SECRET=LONG) == "False"


def test_defaults_are_the_contracts() -> None:
    names = (
        "PORT",
        "WEB_PORT",
        "MAX_CONNECTIONS",
        "CONNECTION_TIMEOUT",
        "RATE_LIMIT_WINDOW",
        "RATE_LIMIT_MAX",
    )
    switches = ("RATE_LIMIT_ENABLED", "STRICT_MODE", "REQUIRE_AUTH", "ENABLE_REALTIME", "SECURE_SSL_REDIRECT")
    found = value(f"[getattr(settings, name) for name in {names + switches}]")
    assert found == "[8002, 3001, 1000, 300000, 60000, 100, False, False, False, True, False]"
    assert "http://localhost:3001" in value("settings.CORS_ORIGINS")
    assert value("settings.DRAIN_WINDOW", DRAIN_WINDOW="") == "10000"
    kept = "settings.MAX_CONNECTION_AGE, settings.EVENT_RETENTION_DAYS, settings.CONNECTION_HISTORY_DAYS"
    assert value(kept) == "14400000 90 30"


@pytest.mark.parametrize(
    "ours, old, real_time",
    [
        ("", "", True),
        ("true", "false", False),
        ("false", "true", False),
        ("", "false", False),
        ("true", "true", True),
    ],
)
def test_of_the_two_switches_for_real_time_the_stricter_wins(ours: str, old: str, real_time: bool) -> None:
    found = value("settings.ENABLE_REALTIME", ENABLE_REALTIME=ours, NEXT_PUBLIC_ENABLE_REALTIME=old)
    assert found == str(real_time)


def test_an_old_websocket_address_keeps_working_and_the_new_name_wins() -> None:
    old = {"NEXT_PUBLIC_WEBSOCKET_URL": "http://boards.example:8002"}
    assert value("settings.PUBLIC_WEBSOCKET_URL", **old) == "ws://boards.example:8002"
    new = {"PUBLIC_WEBSOCKET_URL": "wss://live.example/"}
    assert value("settings.PUBLIC_WEBSOCKET_URL", **old, **new) == "wss://live.example/"
    assert "NEXT_PUBLIC_WEBSOCKET_URL" in complaint(NEXT_PUBLIC_WEBSOCKET_URL="localhost")


def test_the_old_mock_mode_is_read_and_said_to_be_gone() -> None:
    assert value("settings.MOCK_MODE", NEXT_PUBLIC_MOCK_MODE="true") == "True"
    assert "NEXT_PUBLIC_MOCK_MODE" in complaint(NEXT_PUBLIC_MOCK_MODE="maybe")


def test_what_kubernetes_sets_for_a_service_is_ignored_with_one_warning() -> None:
    given = environment({"WEB_PORT": "tcp://10.96.0.12:80", "PORT": "udp://10.96.0.12:53"})
    told = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0
    assert told.stderr.count("enableServiceLinks: false") == 1
    assert "WEB_PORT=tcp://10.96.0.12:80" in told.stderr


def test_a_value_that_is_no_text_is_refused_without_being_shown() -> None:
    for text in ("a secret of more than thirty-two bytes\udcff", "a secret of more than thirty-two\nbytes"):
        assert complaint(SECRET_KEY=text) == "SECRET_KEY: expected one line of text in UTF-8"


def test_several_redis_servers_share_the_rooms() -> None:
    hosts = "settings.CHANNEL_LAYERS['default']['CONFIG']['hosts']"
    found = value(f"[host['address'] for host in {hosts}]", REDIS_URL="redis://a:1/0, redis://b:2/0")
    assert found == "['redis://a:1/0', 'redis://b:2/0']"
    assert "InMemory" in value("settings.CHANNEL_LAYERS")
