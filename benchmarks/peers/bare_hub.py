"""The gateway's fan-out with nothing around it: no admission, no seq, no queue, no audit, no metric.

    python -m benchmarks.peers.bare_hub PORT REDIS_URL CHANNEL

What the real gateway adds to this is what its promises cost.
"""

import asyncio
import os
import sys
from typing import Any

import django
import redis.asyncio
import uvicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "devmentor.settings")
django.setup()

from realtime.http_protocol import HttpProtocol  # noqa: E402
from realtime.websocket_protocol import SocketProtocol  # noqa: E402
from realtime.wire import EXTENSION, Wire, frame  # noqa: E402


class BareHub:
    """An ASGI application with one room, in which everybody is."""

    def __init__(self, redis_url: str, channel: str) -> None:
        self._redis_url, self._channel = redis_url, channel
        self._wires: set[Wire] = set()
        self._turn: list[bytes] = []
        self._hearing: asyncio.Task[None] | None = None

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if self._hearing is None:
            self._hearing = asyncio.create_task(self._hear())
        wire: Wire = scope["extensions"][EXTENSION]
        await receive()
        await send({"type": "websocket.accept"})
        self._wires.add(wire)
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self._wires.discard(wire)

    async def _hear(self) -> None:
        async with redis.asyncio.Redis.from_url(self._redis_url).pubsub() as heard:
            await heard.subscribe(self._channel)
            async for message in heard.listen():
                if message["type"] == "message":
                    self._turn.append(frame(message["data"].decode()))
                    if len(self._turn) == 1:
                        asyncio.get_running_loop().call_soon(self._hand_out)

    def _hand_out(self) -> None:
        frames, self._turn = b"".join(self._turn), []
        for wire in self._wires:
            if wire.clear:
                wire.write(frames)


uvicorn.run(
    BareHub(sys.argv[2], sys.argv[3]),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    loop="uvloop",
    http=HttpProtocol,
    ws=SocketProtocol,
    ws_per_message_deflate=False,
    lifespan="off",
    access_log=False,
    log_level="warning",
)
