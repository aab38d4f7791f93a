"""Polling and long polling of a room's events: `GET …/events/?since=SEQ&limit=500&wait=MS`.

An ASGI application and not a Django view: Django keeps a thread for each request in its middleware, and
a thousand pollers that wait for thirty seconds would keep a thousand. Here a waiting request is a future
in the hub, woken by the same bell that wakes the sockets.
"""

import asyncio
import logging
import math
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from django.conf import settings

from realtime import cross_origin, metrics, refusals
from realtime.admission import Handshake, read_handshake
from realtime.asgi import ASGIApp, Headers
from realtime.connection import Identity
from realtime.enforcement import BLOCKED, DROPPED
from realtime.eventlog import HistoryTrimmed, Page, UnknownRoom
from realtime.gateway import Gateway
from realtime.ids import read_id
from realtime.log_in_watch import LogInEnded
from realtime.log_ins import cookie_removal
from realtime.long_pollers import LongPoller
from realtime.outages import is_away, log_away
from realtime.paging import Pager
from realtime.poll_query import Problem, Query, read_query
from realtime.problems import FAULT, MEDIA_TYPE, RETRY_SOON, problem
from realtime.protocol import CloseCode
from realtime.responses import READING, answer_options, send_response
from realtime.rooms import Room, RoomKind
from realtime.throttling import CALLS, user_caller
from realtime.tokens import ENDED, CredentialsError
from realtime.wire import counted_elsewhere

logger = logging.getLogger(__name__)

UNREADABLE = "the database cannot be read now: ask again in a moment"
TOO_MANY = "too many calls: Retry-After says when to go on"
EXPIRED = "your token has run out: get a new one with the refresh token"
LONG_POLL_PACE_MS = 100  # so that a burst of events is one answer and not one answer each

DISCONNECTED_SECONDS = 5  # as long as the browser's client waits after close 4403, at the least

ReadPage = Callable[[Room, int, int], Awaitable[Page]]
Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Poller:
    """Who asks (`user` None: a guest), and what they say of themselves.

    counted_elsewhere: to be called once the request has a place of its own
    """

    user: Identity | None
    handshake: Handshake
    counted_elsewhere: Callable[[], None]

    @property
    def address(self) -> str:
        return self.handshake.address


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, and when to ask for the next one, in milliseconds."""

    page: Page
    poll_after: int


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: Headers
    media_type: str = "application/json"


class EventsEndpoint:
    """The endpoint for the rooms of one kind; `url_route` of the scope gives `room_id`.

    preflight: answers those of pages, as for every other route
    """

    def __init__(self, gateway: Gateway, kind: RoomKind, preflight: ASGIApp) -> None:
        self.gateway = gateway
        self.kind = kind
        self.preflight = preflight
        self.pager = Pager(gateway.hub)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["method"] == "OPTIONS":
            await self._answer_options(scope, receive, send)
            return
        answering = asyncio.ensure_future(self._answer(scope))
        leaving = asyncio.ensure_future(_disconnected(receive))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not answering.done():  # the poller has gone: nobody to answer
            answering.cancel()
            return
        reply = answering.result()
        headers = [*_headers(scope), *reply.headers]
        await send_response(scope, send, reply.status, reply.body, reply.media_type, headers)

    async def _answer_options(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if cross_origin.is_preflight(scope):
            await self.preflight(scope, receive, send)
        else:
            await answer_options(scope, send, READING, _headers(scope))

    async def _answer(self, scope: dict[str, Any]) -> Reply:
        try:
            return await self._events(scope)
        except Problem as failure:
            return Reply(failure.status, failure.body, failure.headers, MEDIA_TYPE)
        except Exception as failure:  # noqa: BLE001  whatever it was: logged, and an answer
            return _failed(scope["path"], failure)

    async def _events(self, scope: dict[str, Any]) -> Reply:
        room_id = read_id(scope["url_route"]["kwargs"]["room_id"])
        assert room_id is not None  # by the pattern of its route
        room = Room(self.kind, room_id)
        poller, query = await self._poller(scope)
        try:
            async with self.gateway.log_in_watch.request_of(poller.user):
                answer = await self._answer_for(poller, room, query)
        except LogInEnded:
            raise _unauthenticated(ENDED) from None
        return self._reply(scope, answer)

    async def _answer_for(self, poller: Poller, room: Room, query: Query) -> Answer:
        check = partial(self._check_access, room, poller.user)
        await check()  # a stranger's answer takes as long for a room that is there as for one that is not
        page = await self._read(self.pager.newest, room, query, check)
        if not query.wait:
            return Answer(page, settings.POLL_INTERVAL)
        connection = self._connection_of(poller, room)
        if connection is None:
            return Answer(page, _spread_interval())
        try:
            if not page.events:
                page = await self._news(connection, poller, room, query) or page
            connection.answer(page)
        finally:
            self.gateway.long_pollers.rest(connection)
        return Answer(page, LONG_POLL_PACE_MS if connection.closing is None else _spread_interval())

    def _connection_of(self, poller: Poller, room: Room) -> LongPoller | None:
        """The connection as which this poll is held; None where it is not to be held."""
        if self.gateway.draining or not self.gateway.policy.realtime:
            return None
        found = self.gateway.long_pollers.begin(poller.handshake, poller.user, room)
        if isinstance(found, LongPoller):
            poller.counted_elsewhere()
            return found
        metrics.POLLS_NOT_HELD.labels(found.variable).inc()
        refusals.note(
            f"poll: {found.reason}", f"to hold a poll from {refusals.shown(poller.address)}", found.advice
        )
        return None

    async def _news(self, connection: LongPoller, poller: Poller, room: Room, query: Query) -> Page | None:
        """What came while the poll was held; None where its time was up, or it is to be answered at once."""
        news = await self._wait(connection, room, query)
        if connection.closing is not None:
            self._check_policy(poller.address, poller.user)
            if connection.closing.code == CloseCode.FORBIDDEN:
                raise Problem(403, "forbidden", connection.closing.reason, _retry_later())
            return None
        if not news:
            return None
        return await self._read(self.pager.heard, room, query, partial(self._check_again, room, poller))

    async def _wait(self, connection: LongPoller, room: Room, query: Query) -> bool:
        """Whether news came: waited for no longer than the token lasts by which the poller has come, nor than
        the connection is open.
        """
        seconds, user = query.wait, connection.identity
        if user is not None and user.expires_at is not None:
            seconds = min(seconds, user.expires_at - time.time())
        news = False
        try:
            async with asyncio.timeout(None) as open_for:
                now = asyncio.get_running_loop().time
                connection.wake = lambda: open_for.reschedule(now())
                news = await self.gateway.hub.wait_beyond(room, query.since, seconds)
        except TimeoutError:
            if not open_for.expired():
                raise
        finally:
            connection.wake = _nothing
        if user is not None and user.has_expired(time.time()):
            connection.close(CloseCode.UNAUTHENTICATED, EXPIRED)
            raise _unauthenticated(EXPIRED)
        return news

    async def _poller(self, scope: dict[str, Any]) -> tuple[Poller, Query]:
        """Who asks, and for what. A poll that is refused here is counted as a guest's call, as others are."""
        handshake = read_handshake(scope, settings.SESSION_COOKIE_NAME)
        if not await self.gateway.following.begun():
            raise Problem(503, "unavailable", UNREADABLE, RETRY_SOON)
        self._check_address(handshake.address)
        caller = None
        try:
            query = _query(scope)
            user = await self._user(handshake)
            caller = user_caller(user.id) if user else None
        finally:
            _count(caller, handshake.address)
        return Poller(user, handshake, counted_elsewhere(scope)), query

    async def _user(self, handshake: Handshake) -> Identity | None:
        try:
            user = await self.gateway.authentication.identify(handshake.credentials)
        except CredentialsError as error:
            by_cookie = handshake.credentials.session_key is not None
            raise _unauthenticated(str(error), [cookie_removal()] if by_cookie else []) from None
        self._check_policy(handshake.address, user)
        return user

    def _check_policy(self, address: str, user: Identity | None) -> None:
        in_force = self.gateway.policy
        self._check_address(address)
        if user is None and in_force.require_auth:
            raise _unauthenticated("credentials are required: log in")
        if user is not None and user.previous and not in_force.previous_secret:
            raise _unauthenticated(DROPPED)

    def _check_address(self, address: str) -> None:
        if self.gateway.following.blocked(address):
            raise Problem(403, "forbidden", BLOCKED)

    async def _check_again(self, room: Room, poller: Poller) -> None:
        """While it waited operators may have thrown a switch, and its log-in or its rights may have ended."""
        self._check_policy(poller.address, poller.user)
        if poller.user is not None and not await self.gateway.authentication.holds(poller.user):
            raise _unauthenticated(ENDED)
        await self._check_access(room, poller.user)

    async def _check_access(self, room: Room, user: Identity | None) -> None:
        if not await self.gateway.hub.rights.may_read(room, user.id if user else None):
            raise self._not_found()

    def _not_found(self) -> Problem:
        return Problem(404, "not-found", f"there is no such {self.kind.name}, or you may not see it")

    async def _read(self, read: ReadPage, room: Room, query: Query, check: Check) -> Page:
        """A page, and then the check: no event is told that came after the rights to read it had ended."""
        try:
            page = await read(room, query.since, query.limit)
        except UnknownRoom:
            raise self._not_found() from None
        except HistoryTrimmed as gone:
            await check()  # no stranger is told what the log holds
            raise Problem(410, "history-trimmed", f"{gone}: load the board again") from None
        if page.events:
            await check()
        return page

    def _reply(self, scope: dict[str, Any], answer: Answer) -> Reply:
        """The rows are the wire objects already: joined as they are."""
        page = answer.page
        interval = 0 if page.more else answer.poll_after
        etag = f'"{page.seq}{"+" if page.more else ""}"'.encode()
        headers = [(b"etag", etag), (b"retry-after", str(round(interval / 1000)).encode())]
        if not page.events and etag in _if_none_match(scope):
            return Reply(304, b"", headers)
        events = ",".join(event.envelope for event in page.events)
        more = "true" if page.more else "false"
        body = f'{{"seq":{page.seq},"events":[{events}],"more":{more},"pollAfterMs":{interval}}}'
        return Reply(200, body.encode(), headers)


def _query(scope: dict[str, Any]) -> Query:
    if scope["method"] not in ("GET", "HEAD"):
        raise Problem(405, "method-not-allowed", "only GET is answered here", [(b"allow", READING)])
    return read_query(scope["query_string"])


def _count(caller: str | None, address: str) -> None:
    wait = CALLS.refused(caller, address)
    if wait is not None:
        raise Problem(429, "rate-limited", TOO_MANY, [_retry_after(wait)])


def _headers(scope: dict[str, Any]) -> Headers:
    """Of each answer."""
    kept_by_nobody = [(b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Cookie, Origin")]
    return [*kept_by_nobody, *cross_origin.headers(scope)]


def _spread_interval() -> int:
    """When to ask again, in milliseconds, after a poll that was not held: not all at once."""
    return settings.POLL_INTERVAL + secrets.randbelow(settings.POLL_INTERVAL)


def _retry_later() -> Headers:
    """When whom an operator has disconnected may come back."""
    return [_retry_after(DISCONNECTED_SECONDS * (1 + random.random()))]  # noqa: S311  not all at once


def _retry_after(seconds: float) -> tuple[bytes, bytes]:
    return b"retry-after", str(math.ceil(seconds)).encode()


def _nothing() -> None:
    pass


def _failed(path: str, failure: Exception) -> Reply:
    if is_away(failure):
        log_away(path, failure)
        return Reply(503, orjson.dumps(problem(503, "unavailable", UNREADABLE)), RETRY_SOON, MEDIA_TYPE)
    logger.error("%s: a poll could not be answered", path, exc_info=failure)
    return Reply(500, orjson.dumps(problem(500, "internal", FAULT)), [], MEDIA_TYPE)


def _unauthenticated(detail: str, headers: Headers | None = None) -> Problem:
    challenge = (b"www-authenticate", b'Bearer realm="devmentor"')
    return Problem(401, "unauthenticated", detail, [challenge, *(headers or [])])


def _if_none_match(scope: dict[str, Any]) -> set[bytes]:
    found = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    return {tag.strip().removeprefix(b"W/") for tag in found.split(b",")}


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
