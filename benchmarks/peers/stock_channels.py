"""Stock Channels as its tutorial has it: one consumer, one group, a handler that sends JSON.

    daphne … benchmarks.peers.stock_channels:application
    python -m benchmarks.peers.stock_channels PORT         on uvicorn
    python -m benchmarks.peers.stock_channels relay PORT   publishes what comes on a socket, a line each

REDIS_URL and CHANNEL_LAYER (core or pubsub) come from the environment. The core layer's group_send is a
script in Redis that needs the group's members, so it has to be called: hence the relay.
"""

import asyncio
import json
import os
import sys
from typing import Any

import django
from django.conf import settings

GROUP = "board"
BACKENDS = {
    "core": "channels_redis.core.RedisChannelLayer",
    "pubsub": "channels_redis.pubsub.RedisPubSubChannelLayer",
}

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=["channels"],
    SECRET_KEY="guards nothing",  # noqa: S106
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": BACKENDS[os.environ["CHANNEL_LAYER"]],
            # redis-py's default would end each idle consumer of the core layer after five seconds.
            "CONFIG": {"hosts": [{"address": os.environ["REDIS_URL"], "socket_timeout": None}]},
        }
    },
)
django.setup()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402  needs the settings
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402


class BoardConsumer(AsyncJsonWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(GROUP, self.channel_name)

    async def board_event(self, message: dict[str, Any]) -> None:
        await self.send_json(message["payload"])


application = ProtocolTypeRouter({"websocket": BoardConsumer.as_asgi()})


async def relay(port: int) -> None:
    layer = get_channel_layer()
    assert layer is not None

    async def publish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await layer.group_send(GROUP, {"type": "board.event", "payload": json.loads(line)})
        writer.close()

    server = await asyncio.start_server(publish, "127.0.0.1", port)
    await server.serve_forever()


def serve(port: int) -> None:
    import uvicorn

    uvicorn.run(
        application,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    if sys.argv[1] == "relay":
        asyncio.run(relay(int(sys.argv[2])))
    else:
        serve(int(sys.argv[1]))
