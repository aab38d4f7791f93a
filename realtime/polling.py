"""Polling and long polling of a room's events: `GET …/events/?since=SEQ&limit=500&wait=MS`.

An ASGI application and not a Django view: Django keeps a thread for each request in its middleware, and
a thousand pollers that wait for thirty seconds would keep a thousand. Here a waiting request is a future
in the hub, woken by the same bell that wakes the sockets.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import orjson
from django.conf import settings

from realtime import cross_origin
from realtime.admission import read_handshake
from realtime.asgi import ASGIApp, Headers
from realtime.connection import Identity
from realtime.enforcement import BLOCKED, DROPPED
from realtime.eventlog import HistoryTrimmed, Page, UnknownRoom
from realtime.gateway import Gateway
from realtime.ids import read_id
from realtime.log_in_watch import LogInEnded
from realtime.log_ins import ENDED, cookie_removal
from realtime.outages import is_away, log_away
from realtime.paging import Pager
from realtime.problems import AWAY_SECONDS, FAULT, MEDIA_TYPE, first_errors, problem
from realtime.protocol import MAX_SEQ
from realtime.responses import send_response
from realtime.rooms import Room, RoomKind
from realtime.tokens import CredentialsError

logger = logging.getLogger(__name__)

LIMIT = 500
MAX_LIMIT = 1000
MAX_WAIT_MS = 30_000
UNREADABLE = "the database cannot be read now: ask again in a moment"
EXPIRED = "your token has run out: get a new one with the refresh token"
LONG_POLL_PACE_MS = 100  # so that a burst of events is one answer and not one answer each

ReadPage = Callable[[Room, int, int], Awaitable[Page]]
Check = Callable[[], Awaitable[None]]
RETRY_SOON: Headers = [(b"retry-after", str(AWAY_SECONDS).encode())]


class Problem(Exception):
    """An answer that is a problem."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Headers | None = None, **extra: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.body = orjson.dumps(problem(status, code, detail, **extra))
        self.headers = headers or []


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters, checked; `wait` in seconds."""

    since: int
    limit: int
    wait: float


@dataclass(frozen=True, slots=True)
class Poller:
    """Who asks (`user` None: a guest), and from where."""

    user: Identity | None
    address: str


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    headers: Headers
    media_type: str = "application/json"


class EventsEndpoint:
    """The endpoint for the rooms of one kind; `url_route` of the scope gives `room_id`.

    preflight: answers OPTIONS, as for every other route
    """

    def __init__(self, gateway: Gateway, kind: RoomKind, preflight: ASGIApp) -> None:
        self.gateway = gateway
        self.kind = kind
        self.preflight = preflight
        self.pager = Pager(gateway.hub)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["method"] == "OPTIONS":
            await self.preflight(scope, receive, send)
            return
        answering = asyncio.ensure_future(self._answer(scope))
        leaving = asyncio.ensure_future(_disconnected(receive))
        await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not answering.done():  # the poller has gone: nobody to answer
            answering.cancel()
            return
        reply = answering.result()
        headers = [(b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, Cookie, Origin")]
        headers += [*reply.headers, *cross_origin.headers(scope)]
        await send_response(scope, send, reply.status, reply.body, reply.media_type, headers)

    async def _answer(self, scope: dict[str, Any]) -> Reply:
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise Problem(
                    405, "method-not-allowed", "only GET is answered here", [(b"allow", b"GET, HEAD")]
                )
            return await self._events(scope)
        except Problem as failure:
            return Reply(failure.status, failure.body, failure.headers, MEDIA_TYPE)
        except Exception as failure:  # noqa: BLE001  whatever it was: logged, and an answer
            return _failed(scope["path"], failure)

    async def _events(self, scope: dict[str, Any]) -> Reply:
        query = read_query(scope["query_string"])
        room_id = read_id(scope["url_route"]["kwargs"]["room_id"])
        assert room_id is not None  # by the pattern of its route
        room = Room(self.kind, room_id)
        poller = await self._poller(scope)
        try:
            async with self.gateway.log_in_watch.request_of(poller.user):
                page = await self._page_for(poller, room, query)
        except LogInEnded:
            raise _unauthenticated(ENDED) from None
        return self._reply(scope, page, settings.POLL_INTERVAL if not query.wait else LONG_POLL_PACE_MS)

    async def _page_for(self, poller: Poller, room: Room, query: Query) -> Page:
        check = partial(self._check_access, room, poller.user)
        page = await self._read(self.pager.newest, room, query, check)
        if page.events or not query.wait or self.gateway.draining:
            return page
        if not await self._wait(room, query, poller.user):
            return page
        return await self._read(self.pager.heard, room, query, partial(self._check_again, room, poller))

    async def _wait(self, room: Room, query: Query, user: Identity | None) -> bool:
        """Whether news came: waited for no longer than the token lasts by which the poller has come."""
        seconds = query.wait
        if user is not None and user.expires_at is not None:
            seconds = min(seconds, user.expires_at - time.time())
        news = await self.gateway.hub.wait_beyond(room, query.since, seconds)
        if user is not None and user.has_expired(time.time()):
            raise _unauthenticated(EXPIRED)
        return news

    async def _poller(self, scope: dict[str, Any]) -> Poller:
        handshake = read_handshake(scope, settings.SESSION_COOKIE_NAME)
        if not await self.gateway.following.begun():
            raise Problem(503, "unavailable", UNREADABLE, RETRY_SOON)
        self._check_address(handshake.address)
        try:
            user = await self.gateway.authentication.identify(handshake.credentials)
        except CredentialsError as error:
            by_cookie = handshake.credentials.session_key is not None
            raise _unauthenticated(str(error), [cookie_removal()] if by_cookie else []) from None
        self._check_policy(handshake.address, user)
        return Poller(user, handshake.address)

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
        """A page, and then the check: no page holds what came after the rights to read it had ended."""
        try:
            page = await read(room, query.since, query.limit)
        except UnknownRoom:
            raise self._not_found() from None
        except HistoryTrimmed as gone:
            await check()  # no stranger is told what the log holds
            raise Problem(410, "history-trimmed", f"{gone}: load the board again") from None
        await check()
        return page

    def _reply(self, scope: dict[str, Any], page: Page, interval: int) -> Reply:
        """The rows are the wire objects already: joined as they are. `interval` in milliseconds."""
        interval = 0 if page.more else interval
        etag = f'"{page.seq}{"+" if page.more else ""}"'.encode()
        headers = [(b"etag", etag), (b"retry-after", str(round(interval / 1000)).encode())]
        if not page.events and etag in _if_none_match(scope):
            return Reply(304, b"", headers)
        events = ",".join(event.envelope for event in page.events)
        more = "true" if page.more else "false"
        body = f'{{"seq":{page.seq},"events":[{events}],"more":{more},"pollAfterMs":{interval}}}'
        return Reply(200, body.encode(), headers)


def read_query(query_string: bytes) -> Query:
    """The parameters of a poll. Raises Problem, all errors at once."""
    found = dict(parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    errors: dict[str, list[str]] = {}
    values = {
        "since": _number(found, "since", 0, 0, MAX_SEQ, errors),
        "limit": _number(found, "limit", LIMIT, 1, MAX_LIMIT, errors),
        "wait": _number(found, "wait", 0, 0, MAX_WAIT_MS, errors),
    }
    for name in found.keys() - values.keys():
        errors[name] = ["Unknown parameter: expected since, limit or wait."]
    if errors:
        raise Problem(
            400, "bad-request", "Some parameters do not hold: see errors.", errors=first_errors(errors)
        )
    return Query(values["since"], values["limit"], values["wait"] / 1000)


def _number(
    found: dict[str, str], name: str, default: int, least: int, most: int, errors: dict[str, list[str]]
) -> int:
    value = found.get(name, str(default))
    if value.isascii() and value.isdigit() and len(value) <= 19 and least <= int(value) <= most:
        return int(value)
    errors[name] = [f"Expected a whole number from {least} to {most}."]
    return default


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
