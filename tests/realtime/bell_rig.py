"""A serving process's bell on a real Redis, and what it hears of others."""

import asyncio
from typing import Any

from realtime import broadcast
from realtime.bell import Bell
from realtime.ringing import Message, ThreadRinger
from tests.support.redis import Redis
from tests.support.waiting import until


def use(settings: Any, *servers: Redis) -> None:
    limits = {"socket_timeout": 3, "socket_connect_timeout": 1}
    settings.REDIS_URLS = [server.url for server in servers]
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "realtime.signed_layer.SignedLayer",
            "CONFIG": {"hosts": [{"address": url, **limits} for url in settings.REDIS_URLS]},
        }
    }


class Listener:
    """One process's bell, and what it has heard from elsewhere."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.bell = Bell(lambda message: self.heard.append(message.get("seq")))

    async def __aenter__(self) -> "Listener":
        self.bell.start()
        self._clock = asyncio.create_task(self._tick())
        await until(lambda: self.bell._channel is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._clock.cancel()
        await self.bell.stop()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1)  # the gateway's clock
            await self.bell.mend()


def message(seq: int) -> Message:
    return broadcast.stamped({"kind": "event", "room": "x", "seq": seq})


async def hears(listener: Listener, other: ThreadRinger, group: str, seconds: float = 10.0) -> float:
    """Publish from elsewhere until it is heard; how long that took."""
    seq = max(listener.heard, default=0) + 1

    def heard() -> bool:
        other.ring(group, message(seq))
        return seq in listener.heard

    return await until(heard, seconds)
