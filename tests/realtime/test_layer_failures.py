"""What the log says of a channel layer that does not answer: which server, and the innermost reason."""

import asyncio
import gc
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from devmentor import env
from realtime import bell as bell_module
from realtime import broadcast, installation
from realtime.layer_failures import reason, server_name
from realtime.ringing import ThreadRinger
from tests.realtime.bell_rig import Listener, hears, message
from tests.realtime.hub_rig import run
from tests.support.processes import Server, eventually, free_port
from tests.support.proxies import certificate
from tests.support.redis import Redis
from tests.support.sentinel import Sentinel
from tests.support.waiting import until


def use(settings: Any, addresses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel layer that REDIS_URL would give."""
    monkeypatch.setenv("SOME_URL", addresses)
    settings.REDIS_URLS = env.redis_urls("SOME_URL")
    hosts = [env.redis_host("SOME_URL", url) for url in settings.REDIS_URLS]
    monkeypatch.setattr(installation, "_known", installation.installation_of("a test's"))
    layer = {"BACKEND": "realtime.signed_layer.SignedLayer", "CONFIG": {"hosts": hosts}}
    settings.CHANNEL_LAYERS = {"default": layer}


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "channel layer" in record.getMessage()]


@pytest.fixture(scope="module")
def servers() -> Iterator[Redis]:
    started = Redis()
    with started.client() as client:
        client.acl_setuser(
            "reader", enabled=True, passwords=["+s3cret"], categories=["-@all"], commands=["+ping"]
        )
    yield started
    started.stop()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a Redis with a certificate that nobody knows."""
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    crt, key = certificate(folder, "localhost")
    command = ["redis-server", "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    command += ["--tls-cert-file", str(crt), "--tls-key-file", str(key), "--tls-auth-clients", "no"]
    server = Server([*command, "--dir", str(folder)], log=folder / "redis.log")
    eventually(lambda: "Ready to accept connections" in server.log.read_text(), 10)
    yield port
    server.stop()


@pytest.mark.parametrize(
    "address, where, why",
    [
        ("rediss://u:s3cret@127.0.0.1:@TLS@/0", "127.0.0.1:@TLS@", "certificate not accepted: self-signed"),
        ("redis://u:s3cret@127.0.0.1:1/0", "127.0.0.1:1", "Connection refused"),
        ("redis://u:s3cret@nowhere.invalid:6379/0", "nowhere.invalid:6379", "not known"),
        ("unix://u:s3cret@/nonexistent/redis.sock", "/nonexistent/redis.sock", "No such file or directory"),
        ("redis://reader:wrong-s3cret@127.0.0.1:@PLAIN@/0", "127.0.0.1:@PLAIN@", "invalid username-password"),
        ("redis://reader:s3cret@127.0.0.1:@PLAIN@/0", "127.0.0.1:@PLAIN@", "has no permissions"),
    ],
)
def test_the_log_names_the_server_and_the_innermost_reason(
    address, where, why, servers, encrypted, settings, monkeypatch, caplog
) -> None:
    def filled(text: str) -> str:
        return text.replace("@TLS@", str(encrypted)).replace("@PLAIN@", str(servers.port))

    use(settings, filled(address), monkeypatch)

    async def story() -> None:
        bell = bell_module.Bell(lambda _: None)
        bell.start()
        await until(lambda: told(caplog))
        await bell.stop()
        assert not await bell._bounded("subscribe", "room.x", refused())

    async def refused() -> None:
        await broadcast.layer().group_send("room.x", {"type": "x"})

    run(story())
    outside = ThreadRinger(broadcast.layer(), broadcast.server_of)
    outside.ring("room.x", message(1))
    eventually(lambda: any("not reached" in line for line in told(caplog)))
    outside.close()
    lines = [line for line in told(caplog) if "not heard" not in line]
    assert [line.partition("(")[2].partition(")")[0] for line in lines] == ["publish", "subscribe", "publish"]
    for line in lines:
        assert filled(where) in line
        assert why in line
    assert "s3cret" not in caplog.text


def test_of_several_servers_the_one_that_fails_is_named_once(servers, settings, monkeypatch, caplog) -> None:
    well, ill = f"127.0.0.1:{servers.port}", "127.0.0.1:1"
    use(settings, f"redis://{well},redis://{ill}", monkeypatch)

    async def story() -> None:
        bell = bell_module.Bell(lambda _: None)
        for group in [f"room.{number}" for number in range(20)] * 2:
            await bell._publish(group, {"type": "x"})
        assert bell._is_gone(next(f"room.{n}" for n in range(20) if broadcast.server_of(f"room.{n}") == ill))

    run(story())
    assert [line for line in told(caplog) if well in line] == []
    assert len(told(caplog)) == 1
    assert f"the channel layer at {ill} is gone (publish): Connection refused" in told(caplog)[0]


def test_a_server_that_is_silent_is_named(settings, monkeypatch, caplog) -> None:
    monkeypatch.setattr(bell_module, "CANARY_SECONDS", 0.2)
    monkeypatch.setattr(bell_module, "DEAF_SECONDS", 0.7)
    monkeypatch.setattr(bell_module, "LOOK_SECONDS", 0.1)
    server = Redis()
    use(settings, server.url, monkeypatch)

    async def story() -> None:
        async with Listener() as listener:
            with server.client() as client:
                client.execute_command("ACL", "SETUSER", "default", "resetchannels")
                client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await until(lambda: any("is not heard (receive)" in line for line in told(caplog)))
            with server.client() as client:
                client.execute_command("ACL", "SETUSER", "default", "allchannels")
            await until(lambda: listener.bell.healthy)

    run(story())
    server.stop()
    assert f"127.0.0.1:{server.port}" in told(caplog)[0]


def test_reasons_are_those_of_the_innermost_cause() -> None:
    outer = ConnectionError("wrapped")
    outer.__cause__ = OSError(113, "Connect call failed ('10.0.0.1', 1)")
    assert reason(outer) == "No route to host"
    ended = TimeoutError()
    ended.__cause__ = asyncio.CancelledError()
    assert reason(ended) == "no answer in time"
    assert reason(ValueError("redis://u:s3cret@h refused")) == "redis://***@h refused"
    assert reason(ssl.SSLError(1, "wrong version number")) == "wrong version number"
    assert reason(KeyError()) == "KeyError"


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # as below
def test_a_sentinel_that_cannot_be_asked_is_told_in_words(servers, settings, monkeypatch, caplog) -> None:
    """redis-py describes its own objects instead, in a thousand characters."""
    refusing = f"127.0.0.1:{servers.port}/mine/0?sentinel_username=x&sentinel_password=WRONG"

    async def publish() -> None:
        await bell_module.Bell(lambda _: None)._publish("room.one", {"type": "x"})

    why = {"127.0.0.1:1/mine/0": "it could not be reached", refusing: "its password was not accepted"}
    for place, words in why.items():
        caplog.clear()
        use(settings, f"redis+sentinel://{place}", monkeypatch)
        run(publish())
        (line,) = told(caplog)
        assert f"no Sentinel names a master of 'mine' that is up (of a Sentinel: {words})" in line
        assert len(line) < 250
    assert "WRONG" not in caplog.text
    gc.collect()


def test_servers_are_named_without_their_passwords() -> None:
    assert server_name({"address": "redis://u:p@h"}) == "h:6379"
    assert server_name({"address": "redis://[::1]:7000/0"}) == "[::1]:7000"
    assert server_name({"master_name": "m", "sentinels": [("a", 1), ("b", 2)]}) == "m (Sentinel at a:1, b:2)"


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning"
)  # redis-py leaves connections to Sentinels to the collector
def test_after_a_failover_the_layer_comes_back_by_itself(settings, monkeypatch) -> None:
    with Sentinel() as sentinel:
        use(settings, sentinel.url, monkeypatch)
        elsewhere = ThreadRinger(broadcast.layer(), broadcast.server_of)

        async def story() -> None:
            async with Listener() as listener:
                await listener.bell.subscribe("room.one")
                await hears(listener, elsewhere, "room.one")
                await asyncio.to_thread(sentinel.fail_over)
                assert await hears(listener, elsewhere, "room.one", 20) < 20
                await until(lambda: listener.bell.healthy)

        run(story())
        elsewhere.close()
    gc.collect()
