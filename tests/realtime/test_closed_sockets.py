"""What a socket leaves behind: nothing that only the garbage collector, which comes seldom, would find."""

import asyncio
import gc
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from realtime.connection import Connection
from realtime.consumers import GatewayConsumer
from realtime.http_protocol import HttpProtocol
from realtime.session import Session
from realtime.websocket_protocol import SocketProtocol
from tests.realtime.hub_rig import Rig, run
from tests.support.waiting import until

KINDS = (HttpProtocol, SocketProtocol, GatewayConsumer, Session, Connection)
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def alive() -> list[object]:
    return [each for each in gc.get_objects() if type(each) in KINDS]


def test_a_socket_that_has_gone_leaves_nothing_to_collect(rig: Rig) -> None:
    """Each held nine kilobytes in circles once: fifty megabytes until somebody came to look."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await GatewayConsumer(rig.gateway)(scope, receive, send)

    async def visit(port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b'"event":"hello"')
        writer.close()
        await writer.wait_closed()

    async def story() -> None:
        await rig.gateway.following.look()
        config = uvicorn.Config(application, ws=SocketProtocol, lifespan="off", log_config=None)
        config.load()
        state = ServerState()

        def protocol() -> HttpProtocol:
            return HttpProtocol(config=config, server_state=state, app_state={})

        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        gc.collect()
        before = alive()  # of tests before this one, whose threads may let go of them at any moment
        gc.disable()
        try:
            for _ in range(3):
                await visit(port)
            await until(lambda: not (state.connections or state.tasks or rig.gateway.connections))
            await asyncio.sleep(0)  # the turn in which the last task is let go
            assert [each for each in alive() if each not in before] == []
        finally:
            gc.enable()
        server.close()

    run(story())
