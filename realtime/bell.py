"""A serving process's end of the channel layer: what it hears, and whether it hears at all.

The layer may lose a subscription without a word: its connection may have become a black hole, or a command
may have been cut off between being sent and being noted. So each process sends canaries to itself through
the real layer. Where they fail to come, or a subscription is in doubt, it begins anew on fresh connections,
with a fresh channel, and subscribes to everything again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import uuid4

from realtime import broadcast, installation, metrics
from realtime.background import kept_running, repeat
from realtime.broadcast import MESSAGE_TYPE, ORDERS_GROUP
from realtime.database import in_database
from realtime.layer_failures import reason
from realtime.outages import log_failure
from realtime.rare_log import RareLog
from realtime.ringing import BREAK_SECONDS, PUBLISH_SECONDS, Message, Ringer
from realtime.signed_layer import Replays

logger = logging.getLogger(__name__)
rare = RareLog(logger)

CANARY_SECONDS = 2.0
DEAF_SECONDS = 3 * CANARY_SECONDS
LOOK_SECONDS = 0.5  # how often it looks whether it has to begin anew
MEASURE_SECONDS = 1.0
LET_GO_SECONDS = 2.0  # what the old connections have to close
NOT_OURS = "ignored a message of the channel layer that no process of this installation has sent"
TOGETHER = 50  # subscriptions made at once: behind a slow publish each by itself would wait for the next one


class Bell:
    """One channel, subscribed to the groups of its rooms.

    Messages go to `heard` on the loop. This process's own messages are heard at once and not by way of
    the layer only, so that they do not wait for Redis; the copy that comes back is the receiver's to drop.
    """

    def __init__(self, heard: Callable[[Message], None]) -> None:
        self._heard = heard
        self._layer: Any = broadcast.layer()
        self._loop = asyncio.get_running_loop()
        self._ringer = Ringer(self._publish)
        self._channel: str | None = None
        self._installation: installation.Installation | None = None  # as which it hears
        self._replays = Replays()
        self._canaries: dict[str, float] = {}  # group: when it was last heard
        self._wanted: set[str] = {ORDERS_GROUP}
        self._subscribed: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._gone: set[tuple[str, bool]] = (
            set()
        )  # servers that take nothing, and whether publishing shows it
        self._silent: set[str] = set()  # servers of which nothing is heard, as last told
        self._in_doubt = False
        self._begun_at = time.monotonic()
        self._take_installation()

    @property
    def distributed(self) -> bool:
        """Whether other processes can hear."""
        return broadcast.reaches_others(self._layer)

    @property
    def canary_age(self) -> float:
        """Seconds since the process last heard itself, by way of the server that is worst off."""
        if not self.distributed:
            return 0.0
        return time.monotonic() - min(self._canaries.values(), default=self._begun_at)

    @property
    def healthy(self) -> bool:
        """Whether what is published is heard; delivery goes on by the log while it is not."""
        if not self.distributed:
            return True
        return self._channel is not None and not self._gone and self.canary_age <= DEAF_SECONDS

    def start(self) -> None:
        broadcast.serve(self)
        work = [kept_running("listening to the channel layer", self._listen)]
        work.append(repeat("measuring the channel layer", MEASURE_SECONDS, self._measure, at_once=True))
        work.append(kept_running("publishing", self._ringer.run))
        if self.distributed:
            work.append(kept_running("sending canaries", self._send_canaries))
        self._tasks = [asyncio.create_task(each) for each in work]

    async def _measure(self) -> None:
        """Values and not functions: of workers nobody could call those of another process."""
        metrics.BELL_HEALTHY.set(self.healthy)
        metrics.CANARY_AGE.set(self.canary_age)

    async def stop(self) -> None:
        """Let what is on its way leave, if the layer takes it soon; then hear and say nothing more."""
        broadcast.stop_serving(self)
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * PUBLISH_SECONDS):
                await self._ringer.emptied()
        going_on = set(self._tasks)
        while going_on:  # again where the layer's libraries have dropped a cancellation
            for task in going_on:
                task.cancel()
            _, going_on = await asyncio.wait(going_on, timeout=2 * LET_GO_SECONDS)

    def hand_over(self, group: str, message: Message) -> bool:
        """Take a message from any thread; False when this loop no longer runs."""
        try:
            self._loop.call_soon_threadsafe(self.ring, group, message)
        except RuntimeError:
            return False
        return True

    def ring(self, group: str, message: Message) -> None:
        """Let this process hear the message now and the others soon. On the loop only."""
        if self.distributed and self._installation is not None:
            self._ringer.ring(group, broadcast.stamped(message))
        self._hand_on(message)

    async def look(self) -> None:
        """See whether the database has moved to another cluster, every few seconds: then begin anew."""
        if self.distributed and await in_database(installation.look) and self._installation is not None:
            self._in_doubt = True

    # --- subscriptions ------------------------------------------------------------------------

    async def subscribe(self, group: str) -> None:
        """Hear a group from now on. Where the layer does not answer, `mend` tries again."""
        self._wanted.add(group)
        if not self._is_gone(group):  # else each join would wait for a server that is known to hang
            await self._subscribe(group)

    async def unsubscribe(self, group: str) -> None:
        self._wanted.discard(group)
        if group in self._subscribed and self._channel is not None:
            self._subscribed.discard(group)
            if self._is_gone(group):
                self._in_doubt = True  # given up with all the others when the layer is back
            else:
                await self._bounded("unsubscribe", group, self._layer.group_discard(group, self._channel))

    async def mend(self) -> None:
        """Subscribe to what is wanted and is not subscribed: once a second."""
        missing = sorted(self._wanted - self._subscribed)
        for start in range(0, len(missing), TOGETHER):
            if self._in_doubt:  # a server hangs: the rest would cost PUBLISH_SECONDS each time
                return
            await asyncio.gather(*map(self._subscribe, missing[start : start + TOGETHER]))

    async def _subscribe(self, group: str) -> None:
        channel = self._channel
        if channel is None or group not in self._wanted:
            return
        done = await self._bounded("subscribe", group, self._layer.group_add(group, channel))
        if not done or channel != self._channel:  # then that was the subscription of before a new beginning
            return
        self._subscribed.add(group)
        if group not in self._wanted:  # let go meanwhile
            await self.unsubscribe(group)

    async def _publish(self, group: str, message: Message) -> bool:
        return await self._bounded("publish", group, self._layer.group_send(group, message))

    async def _bounded(self, operation: str, group: str, work: Awaitable[None]) -> bool:
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await work
        except Exception as failure:  # noqa: BLE001  each layer has errors of its own; all mean: not rung
            # Cut off, a change may have been half done: then the layer's own notes are wrong.
            half_done = isinstance(failure, TimeoutError) or operation == "unsubscribe"
            self._in_doubt |= half_done and operation != "publish"
            self._fail(operation, broadcast.server_of(group), failure)
            return False
        if self._gone:
            self._take_back(operation, broadcast.server_of(group))
        return True

    def _is_gone(self, group: str) -> bool:
        return bool(self._gone) and broadcast.server_of(group) in self._gone_servers()

    def _gone_servers(self) -> set[str]:
        return {server for server, _ in self._gone}

    def _fail(self, operation: str, server: str, failure: BaseException) -> None:
        """Count each failure, but log the change only: an outage is one line and not one a second."""
        metrics.BELL_FAILURES.labels(operation).inc()
        kind = server, operation == "publish"
        if kind not in self._gone:
            self._gone.add(kind)
            told = "the channel layer at %s is gone (%s): %s; events go on by the log"
            logger.warning(told, server, operation, reason(failure))

    def _take_back(self, operation: str, server: str) -> None:
        """What works shows nothing of the other: a user of Redis may subscribe and not publish."""
        kind = server, operation == "publish"
        if kind in self._gone:
            self._gone.discard(kind)
            if server not in self._gone_servers():
                logger.warning("the channel layer at %s is back", server)

    # --- hearing ------------------------------------------------------------------------------

    async def _listen(self) -> None:
        if self.distributed and installation.known() is None:
            await in_database(installation.look)
        while True:
            self._begun_at = time.monotonic()
            hearing = asyncio.create_task(self._hear())
            try:
                while not hearing.done() and not self._must_begin_anew:
                    await asyncio.wait({hearing}, timeout=LOOK_SECONDS)
                if self._hears_nothing:
                    self._note_silence(self._silent_servers(), f"nothing came for {DEAF_SECONDS:g} s")
            finally:
                await self._let_go(hearing)
            await asyncio.sleep(BREAK_SECONDS)

    @property
    def _must_begin_anew(self) -> bool:
        return self.distributed and (self._in_doubt or self._hears_nothing)

    @property
    def _hears_nothing(self) -> bool:
        return min(self.canary_age, time.monotonic() - self._begun_at) > DEAF_SECONDS

    def _silent_servers(self) -> set[str]:
        now = time.monotonic()
        return {broadcast.server_of(group) for group, at in self._canaries.items() if now - at > DEAF_SECONDS}

    def _note_silence(self, servers: set[str], why: str) -> None:
        """One line for each server of which nothing is heard, until it is heard again."""
        metrics.BELL_FAILURES.labels("receive").inc()
        if untold := servers - self._silent:
            self._silent |= untold
            told = "the channel layer at %s is not heard (receive): %s; events go on by the log"
            logger.warning(told, " or ".join(sorted(untold)), why)

    async def _hear(self) -> None:
        self._take_installation()
        channel = self._channel = await self._layer.new_channel()
        await self.mend()
        self._ring_canaries()
        while True:
            self._receive(await self._layer.receive(channel))

    def _take_installation(self) -> None:
        """Which server a group is on depends on the installation: so there are other canaries for another."""
        found = installation.known()
        if found != self._installation:
            self._installation = found
            self._wanted -= self._canaries.keys()
            names = broadcast.one_group_for_each_server(f"canary.{uuid4().hex}")
            self._canaries = dict.fromkeys(names, time.monotonic())
            self._wanted |= self._canaries.keys()

    async def _let_go(self, hearing: "asyncio.Task[None]") -> None:
        """Forget every subscription and close every connection, of a layer that may not answer."""
        self._channel, self._in_doubt = None, False
        self._subscribed.clear()
        flushing = asyncio.ensure_future(self._flush())
        try:
            await asyncio.sleep(
                0
            )  # from here the layer knows no channel that it would unsubscribe one by one
            hearing.cancel()
            ended, _ = await asyncio.wait({hearing, flushing}, timeout=LET_GO_SECONDS)
        finally:  # what hangs is not waited for: the process must hear again, whatever it hangs on
            hearing.cancel()
            flushing.cancel()
        for task in ended:
            if not task.cancelled() and (failure := task.exception()):
                self._note_silence(broadcast.servers_in(str(failure)), reason(failure))

    async def _flush(self) -> None:
        if self.distributed:
            await self._layer.flush()

    def _receive(self, message: Message) -> None:
        if not self._is_genuine(message):
            metrics.BELL_IGNORED.inc()
            rare.warning("forged", NOT_OURS)
        elif message.get("kind") != "canary":
            self._hand_on(message)
        elif message["group"] in self._canaries:
            self._canaries[message["group"]] = time.monotonic()
            self._silent.discard(broadcast.server_of(message["group"]))

    def _is_genuine(self, message: Message) -> bool:
        """Whether a process of ours has sent it, and it was not heard before. Else it may be anybody's."""
        if message.get("type") != MESSAGE_TYPE:
            return False
        return not self.distributed or self._replays.is_new(message["sender"], message["number"])

    def _hand_on(self, message: Message) -> None:
        """One that cannot be taken keeps neither its sender nor the messages behind it from anything."""
        try:
            self._heard(message)
        except (KeyError, TypeError, ValueError) as failure:  # of another version: the log has the event
            logger.debug("a message of the channel layer is not understood: %r", failure)
        except Exception as failure:  # noqa: BLE001  a fault of ours
            log_failure("a message of the channel layer", failure)

    async def _send_canaries(self) -> None:
        while True:
            self._ring_canaries()
            await asyncio.sleep(CANARY_SECONDS)

    def _ring_canaries(self) -> None:
        for group in self._canaries if self.distributed else ():
            self._ringer.ring_first(group, broadcast.stamped({"kind": "canary", "group": group}))
