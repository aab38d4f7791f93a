"""The channel layer on Redis as we use it: names of this installation alone, and messages that are signed.

Whoever may PUBLISH in that Redis could else tell gateways of events that are in no log. A message that was
signed by nobody who has our key is handed on as FORGED: raising would end the connection that it came by.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from hmac import compare_digest
from itertools import count
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

from realtime import installation

FORGED: dict[str, Any] = {"type": "forged"}
SIGNATURE, SENDER, NUMBER = 16, 16, 8  # bytes of a message's head
HEAD = SIGNATURE + SENDER + NUMBER
WINDOW = 1024
SENDERS = 1000  # that are remembered; those that were not heard for longest are forgotten
_ALL = (1 << WINDOW) - 1


class SignedLayer(RedisPubSubChannelLayer):
    """A message carries its sender and its number, so that `Replays` knows one that was there before."""

    def __init__(self, hosts: Sequence[Mapping[str, Any]], **options: Any) -> None:
        # By RESP3 redis-py makes a line for the log of each message that it hears, also where none is kept.
        super().__init__(hosts=[{"protocol": 2, **host} for host in hosts], **options)
        self._begin()

    def _begin(self) -> None:
        self._process, self._sender, self._numbers = os.getpid(), os.urandom(SENDER), count(1)

    def _get_layer(self) -> Any:
        """The layer of the running loop. What it was subscribed to by another prefix is for `flush`."""
        found = super()._get_layer()
        if (ours := installation.known()) is not None:
            found.prefix = ours.prefix
        return found

    def serialize(self, message: dict[str, Any]) -> bytes:
        if self._process != os.getpid():  # what a fork has copied would be taken for a replay
            self._begin()
        number = next(self._numbers).to_bytes(NUMBER)
        signed = b"".join((self._sender, number, super().serialize(message)))
        return _signature(signed) + signed

    def deserialize(self, message: bytes) -> dict[str, Any]:
        view = memoryview(message)
        if len(message) <= HEAD or not compare_digest(_signature(view[SIGNATURE:]), view[:SIGNATURE]):
            return FORGED
        found: dict[str, Any] = super().deserialize(view[HEAD:])
        found["sender"] = message[SIGNATURE : SIGNATURE + SENDER]
        found["number"] = int.from_bytes(view[HEAD - NUMBER : HEAD])
        return found


def _signature(signed: bytes | memoryview) -> bytes:
    ours = installation.known()
    if ours is None:
        raise RuntimeError("the database was not asked yet which installation this is")
    return blake2b(signed, key=ours.key, digest_size=SIGNATURE).digest()


class Replays:
    """Tells a message that was heard before, by whoever can listen in Redis and has it published again.

    Of each sender the newest number is kept, and which of the WINDOW numbers up to it were heard: messages of
    one sender come by way of several servers, and so in any order.
    """

    def __init__(self) -> None:
        self._heard: OrderedDict[bytes, tuple[int, int]] = OrderedDict()

    def is_new(self, sender: bytes, number: int) -> bool:
        newest, bits = self._heard.pop(sender, (0, 0))
        back = newest - number
        found = back < WINDOW and not (back >= 0 and bits >> back & 1)
        if found and back < 0:
            newest, bits = number, (bits << min(-back, WINDOW)) & _ALL | 1
        elif found:
            bits |= 1 << back
        self._heard[sender] = newest, bits
        if len(self._heard) > SENDERS:
            self._heard.popitem(last=False)
        return found
