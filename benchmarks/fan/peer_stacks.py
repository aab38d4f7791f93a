"""The servers that we are compared with: how each is started, joined and published to."""

import json
import shutil
import socket
import sys
import time
from pathlib import Path

import jwt
import msgpack  # type: ignore[import-untyped]

from benchmarks.fan.crowd import Script
from benchmarks.fan.payload import EVENT, compact, publish, sample, template
from benchmarks.fan.rig import OTHERS_CORE, SECRET, Rig
from benchmarks.fan.stacks import Missing, Running, Stack, heard
from tests.support.processes import Server, free_port

PEERS = Path(__file__).parents[1] / "peers"
NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")  # where Debian's package has it
ROOM = "board"
START_SECONDS = 30


def socketio_text(value: object) -> str:
    """An event as it arrives at a client of Socket.IO."""
    return "42" + compact([EVENT, value])


def socketio_script(port: int) -> Script:
    token = jwt.encode({"sub": "1", "exp": int(time.time()) + 3600}, SECRET, algorithm="HS256")
    return Script(
        port,
        "/socket.io/?EIO=4&transport=websocket",
        says=(("0{", f'40{{"token":"{token}"}}'), ("40{", f'420["join","{ROOM}"]')),
        greeting='40{"sid"',
        joining="430",
    )


class SocketIO(Stack):
    """Published to as `@socket.io/redis-emitter` does it: a message of the adapter on its channel."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, "socketio")

    def start(self) -> Running:
        port = free_port()
        server = start_node(self, "socketio_server.mjs", str(port), self.rig.redis.url)
        packet = {"type": 2, "data": [EVENT, sample(socketio_text)], "nsp": "/"}
        message = msgpack.packb(["emitter", packet, {"rooms": [ROOM], "flags": {}, "except": []}])
        found = template(publish(f"socket.io#/#{ROOM}#".encode(), message))
        return Running(server, socketio_script(port), self.rig.redis.port, found, collects_on_signal=True)


class NodeWs(Stack):
    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, "ws")

    def start(self) -> Running:
        port = free_port()
        server = start_node(self, "ws_server.mjs", str(port), self.rig.redis.url, ROOM)
        found = template(publish(ROOM.encode(), compact(sample()).encode()))
        return Running(server, Script(port, "/"), self.rig.redis.port, found, collects_on_signal=True)


class BareHub(Stack):
    """Our own way of writing frames with nothing of the gateway around it."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, "bare-hub")

    def start(self) -> Running:
        port, module = free_port(), "benchmarks.peers.bare_hub"
        settings = self.rig.environment(ALLOWED_HOSTS="127.0.0.1")
        server = self.launch([sys.executable, "-m", module, str(port), self.rig.redis.url, ROOM], settings)
        wait_for_port(server, port)
        found = template(publish(ROOM.encode(), compact(sample()).encode()))
        return Running(server, Script(port, "/"), self.rig.redis.port, found)


class PythonSocketIO(Stack):
    """Published to by its own write-only manager, whose message is heard once and then repeated."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, "python-socketio")

    def start(self) -> Running:
        port = free_port()
        module = "benchmarks.peers.socketio_python"
        server = self.launch(
            [sys.executable, "-m", module, str(port), self.rig.redis.url], self.rig.environment()
        )
        wait_for_port(server, port)
        found = template(publish(*heard(self.rig, self._emit)))
        return Running(server, socketio_script(port), self.rig.redis.port, found)

    def _emit(self) -> None:
        import socketio

        socketio.RedisManager(self.rig.redis.url, write_only=True).emit(
            EVENT, sample(socketio_text), room=ROOM
        )


class StockChannels(Stack):
    """`layer` is core or pubsub."""

    def __init__(self, rig: Rig, server: str, layer: str) -> None:
        super().__init__(rig, f"channels-{server}-{layer}")
        self._server = server
        self._layer = layer

    def start(self) -> Running:
        with self.rig.redis.client() as client:
            client.flushall()  # the core layer keeps members of a server that is gone
        port, module = free_port(), "benchmarks.peers.stock_channels"
        own = {**self.rig.environment(), "CHANNEL_LAYER": self._layer, "DJANGO_SETTINGS_MODULE": ""}
        daphne = ["daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), f"{module}:application"]
        command = daphne if self._server == "daphne" else [module, str(port)]
        server = self.launch([sys.executable, "-m", *command], own)
        wait_for_port(server, port)
        script = Script(port, "/")
        message = {"type": "board.event", "payload": sample(json.dumps)}
        if self._layer == "pubsub":
            raw = publish(f"asgi__group__{ROOM}".encode(), msgpack.packb(message))
            return Running(server, script, self.rig.redis.port, template(raw))
        relay_port = free_port()
        relay = self.launch([sys.executable, "-m", module, "relay", str(relay_port)], own, core=OTHERS_CORE)
        wait_for_port(relay, relay_port)
        line = json.dumps(message["payload"]).encode() + b"\n"
        return Running(server, script, relay_port, template(line), helpers=(relay,))


class Nchan(Stack):
    """Published to over HTTP, on one connection that is kept."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig, "nchan")

    def start(self) -> Running:
        if not NCHAN.exists() or shutil.which("nginx") is None:
            raise Missing("apt-get install nginx-light libnginx-mod-nchan")
        port, conf = free_port(), self.rig.folder / "nginx.conf"
        conf.write_text((PEERS / "nginx.conf").read_text().format(port=port, folder=self.rig.folder))
        server = self.launch(["nginx", "-p", str(self.rig.folder), "-c", str(conf)], self.rig.environment())
        wait_for_port(server, port)
        body = compact(sample()).encode()
        head = f"POST /publish HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
        return Running(server, Script(port, "/board"), port, template(head.encode() + body))


def start_node(stack: Stack, program: str, *arguments: str) -> Server:
    """A program in peers/, which says `ready` once it listens."""
    if not (PEERS / "node_modules").exists():
        raise Missing("npm ci --prefix benchmarks/peers")
    server = stack.launch(["node", "--expose-gc", str(PEERS / program), *arguments], stack.rig.environment())
    server.wait_until(lambda: "ready" in server.log.read_text("utf-8", "replace"), START_SECONDS)
    return server


def wait_for_port(server: Server, port: int) -> None:
    def answers() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    server.wait_until(answers, START_SECONDS)
