"""The bell: tells every process that something happened. The only user of the channel layer.

What is published here is already safe in the log, so any of it may be lost, doubled or late. Publishing
therefore never fails a write and never holds one up: a serving process hands the message to its loop, and
any other process to a thread that it has for this.

Messages carry a fixed `type`, a version and a kind; a receiver ignores kinds that it does not know, so
that two versions can run side by side.
"""

import logging
import threading
import time
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.conf import settings

from realtime import installation, metrics
from realtime.layer_failures import reason, server_name
from realtime.ringing import NOT_REACHED, Message, ThreadRinger
from realtime.rooms import group_name

if TYPE_CHECKING:
    from realtime.eventlog import Event

logger = logging.getLogger(__name__)

MESSAGE_TYPE = "gateway.bell"
VERSION = 1
ORDERS_GROUP = "gateways"


class Serving(Protocol):
    """The bell of a process that serves: takes a message from any thread, False when it no longer can."""

    def hand_over(self, group: str, message: Message) -> bool: ...


_serving: Serving | None = None
_outside: ThreadRinger | None = None
_starting = threading.Lock()


def publish(room_name: str, event: "Event") -> None:
    """Ring for one appended event. Called after its commit, from any thread; never raises, never waits."""
    _send(
        group_name(room_name),
        {
            "kind": "event",
            "room": room_name,
            "seq": event.seq,
            "event": event.event,
            "envelope": event.envelope,
            "at": event.at.timestamp(),
            "committed": time.time(),
            "reauthorise": event.reauthorise,
        },
    )


def order(message: Message) -> None:
    """Ring for an order to every gateway."""
    _send(ORDERS_GROUP, {"kind": "order", **message})


def serve(bell: Serving) -> None:
    """From now on this process serves: its bell takes what is published."""
    global _serving
    _serving = bell


def stop_serving(bell: Serving) -> None:
    global _serving
    if _serving is bell:
        _serving = None


def layer() -> Any:
    """The channel layer, as the settings have it."""
    return get_channel_layer()


def reaches_others(layer: Any) -> bool:
    """Whether other processes hear what is published on it."""
    return layer is not None and not isinstance(layer, InMemoryChannelLayer)


def stamped(message: Message) -> Message:
    """The message as it travels."""
    return {"type": MESSAGE_TYPE, "v": VERSION, **message}


def server_of(group: str) -> str:
    """Where the server is that a group is on, for the log."""
    names = _server_names()
    return names[_index(group, len(names))] if names else "its server"


def servers_in(text: str) -> set[str]:
    """The servers that a failure names, else all of them."""
    names = _server_names()
    return {name for name in names if name in text} or set(names)


def _server_names() -> list[str]:
    config: Any = settings.CHANNEL_LAYERS["default"].get("CONFIG", {})
    return [server_name(host) for host in config.get("hosts", ())]


def _index(group: str, servers: int) -> int:
    """Which of so many servers a group is on, as the layer shares them out."""
    from channels_redis.utils import _consistent_hash

    ours = installation.known()
    found: int = _consistent_hash(f"{ours.prefix if ours else ''}__group__{group}", servers)
    return found


def one_group_for_each_server(stem: str) -> list[str]:
    """Names of groups, one on each Redis that rooms are spread over."""
    servers = max(1, len(settings.REDIS_URLS))
    found: dict[int, str] = {}
    for number in count():
        name = f"{stem}.{number}"
        found.setdefault(_index(name, servers), name)
        if len(found) == servers:
            return list(found.values())
    raise AssertionError("never reached")


def _send(group: str, message: Message) -> None:
    if _serving is not None and _serving.hand_over(group, message):
        return
    found = layer()
    if not reaches_others(found):
        return  # nobody outside this process would hear it: gateways find the row in the log
    try:
        if installation.known() is None:
            installation.look()
        _ringer(found).ring(group, stamped(message))
    except Exception as failure:  # noqa: BLE001  a bell that fails must never fail the write that is done
        metrics.BELL_FAILURES.labels("publish").inc()
        logger.warning(NOT_REACHED, server_of(group), reason(failure))


def _ringer(layer: Any) -> ThreadRinger:
    """The thread of a process that does not serve, started with its first message."""
    global _outside
    with _starting:
        if _outside is None or not _outside.alive:
            _outside = ThreadRinger(layer, server_of)
        return _outside
