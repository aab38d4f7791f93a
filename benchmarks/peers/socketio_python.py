"""python-socketio on uvicorn with its Redis manager.

python -m benchmarks.peers.socketio_python PORT REDIS_URL
"""

import os
import sys
from typing import Any

import jwt
import socketio
import uvicorn
from socketio.exceptions import ConnectionRefusedError as Refused

port, redis_url = int(sys.argv[1]), sys.argv[2]
secret = os.environ["JWT_SECRET"]
server = socketio.AsyncServer(
    async_mode="asgi",
    client_manager=socketio.AsyncRedisManager(redis_url),
    transports=["websocket"],
    cors_allowed_origins=[],
)


@server.event
async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
    try:
        claims = jwt.decode(auth["token"], secret, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise Refused(str(error)) from None
    await server.save_session(sid, {"user": claims["sub"]})


@server.event
async def join(sid: str, room: str) -> str:
    await server.enter_room(sid, room)
    return "ok"


uvicorn.run(
    socketio.ASGIApp(server),
    host="127.0.0.1",
    port=port,
    loop="uvloop",
    http="httptools",
    ws="websockets-sansio",
    ws_per_message_deflate=False,
    access_log=False,
    log_level="warning",
)
