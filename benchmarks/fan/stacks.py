"""A server to measure: how it is started, how a client joins a room, how an event is published to it."""

import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.fan.crowd import Script
from benchmarks.fan.payload import SAMPLE_STAMP, Template
from benchmarks.fan.rig import SERVER_CORE, Rig, on_core
from tests.support.processes import Server

HEAR_SECONDS = 30


class Missing(RuntimeError):
    """This stack cannot be measured here; the message says what would have to be installed."""


class Writer(Protocol):
    """Whoever commits events to the database of a stack that has one, beside its server."""

    def continue_after(self, number: int) -> None:
        """Let the database's newest event be of that number."""

    def commit(self, rate: float, count: int) -> dict[str, Any]:
        """Commit one event and then so many, `rate` a second, in a process of its own; how long they took."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers. Events are published by sending the template's bytes to `feed_port`."""

    server: Server
    script: Script
    feed_port: int
    template: Template
    helpers: tuple[Server, ...] = ()
    writer: Writer | None = None
    collects_on_signal: bool = False

    def settle(self) -> None:
        """Let go of what is not needed, where there is a way to ask for it, before memory is looked at."""
        if self.collects_on_signal:
            self.server.process.send_signal(signal.SIGUSR2)

    def stop(self) -> None:
        for process in (self.server, *self.helpers):
            process.stop(seconds=5)


class Stack(ABC):
    """`start` may be called again once the last has been stopped."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig = rig
        self.name = name
        self._started = 0

    @abstractmethod
    def start(self) -> Running:
        """Return once it answers. Raises Missing."""

    def launch(
        self, command: Sequence[str], environment: Mapping[str, str], core: int = SERVER_CORE
    ) -> Server:
        """A process on a core, with a log of its own in the rig's folder."""
        self._started += 1
        with on_core(core):
            return Server(command, self.rig.folder / f"{self.name}-{self._started}.log", environment)


def heard(rig: Rig, work: Callable[[], object]) -> tuple[bytes, bytes]:
    """The channel and the bytes of the first message with the sample's mark that `work` publishes."""
    with rig.redis.client() as client, client.pubsub() as listening:
        listening.psubscribe("*")
        listening.get_message(timeout=5)
        work()
        deadline = time.monotonic() + HEAR_SECONDS
        while time.monotonic() < deadline:
            message = listening.get_message(timeout=1)
            if message and message["type"] == "pmessage" and SAMPLE_STAMP.encode() in message["data"]:
                return message["channel"], message["data"]
    raise AssertionError("the sample was not heard on Redis")
