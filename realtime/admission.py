"""May this socket open? Reads what a handshake says of its origin, address and credentials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from realtime import connection_limits, metrics, origins, refusals
from realtime.authentication import Credentials, bearer_token
from realtime.census import Counts, Place
from realtime.connection import Identity
from realtime.enforcement import DROPPED, NO_ORIGIN, REALTIME_OFF
from realtime.policy import Policy
from realtime.protocol import BEARER_PREFIX, SUBPROTOCOL, CloseCode

Refusal = tuple[CloseCode, str]
NO_PAGE = "a session cookie speaks only where an Origin is sent"
NO_PERSON = "this origin, which any page may have, speaks by token and never by a session cookie"
AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a connection says of itself before it is let in."""

    origin: str | None
    own_origin: str | None
    address: str
    agent: str
    token: str | None
    session_key: str | None
    subprotocol: str | None

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.token, self.session_key if self.token is None else None)

    def origin_allowed(self, allowed: Collection[str]) -> bool:
        """Whether no Origin was sent, or one of those listed, all canonical, or this server's own."""
        if self.origin is None:
            return True
        return origins.allowed(self.origin, allowed, self.own_origin)


def refusal(
    handshake: Handshake, identity: Identity | None, there: Counts, in_force: Policy
) -> Refusal | None:
    """Why a socket may not stay beside those that are there; None where it may."""
    if not in_force.realtime:
        return CloseCode.REALTIME_OFF, REALTIME_OFF
    if in_force.strict and handshake.token is None and handshake.origin is None:
        return CloseCode.FORBIDDEN, NO_ORIGIN
    if identity and identity.previous and not in_force.previous_secret:
        return CloseCode.UNAUTHENTICATED, DROPPED
    place = Place(identity.id if identity else None, handshake.address)
    limit = connection_limits.reached(place, there, in_force)
    return None if limit is None else (CloseCode.FULL, limit.reason)


def has_place(address: str, there: Counts, in_force: Policy) -> bool:
    """Whether the limits leave a place for one more socket of a guest at that address."""
    return connection_limits.reached(Place(None, address), there, in_force) is None


def note_refusal(address: str, reason: str) -> None:
    """Count a socket that a limit keeps out, and tell operators of it."""
    if limit := connection_limits.BY_REASON.get(reason):
        metrics.LIMIT_REFUSALS.labels(limit.variable).inc()
        refusals.note(reason, f"a socket from {refusals.shown(address)}", limit.advice)
    elif reason == NO_ORIGIN:
        advice = "strict mode calls for an Origin or a bearer token"
        refusals.note(reason, f"a socket from {refusals.shown(address)}", advice)


def foreign(handshake: Handshake) -> str:
    """What to tell a client whose Origin does not hold; operators are told which settings decide."""
    origin, address = refusals.shown(str(handshake.origin)), refusals.shown(handshake.address)
    if handshake.origin is None:
        refusals.note("no origin", f"a session cookie without an Origin, from {address}", NO_PAGE)
        return NO_PAGE
    if not origins.takes_cookies(handshake.origin) and handshake.origin_allowed(settings.CORS_ORIGINS):
        refusals.note("cookie", f"a session cookie with Origin {origin}, from {address}", NO_PERSON)
        return NO_PERSON
    if handshake.own_origin is None:
        known = f"Origin {origin} under a Host that ALLOWED_HOSTS does not list"
    else:
        known = f"Origin {origin}, where {refusals.shown(handshake.own_origin)} was asked"
    refusals.note("origin", f"{known}, from {address}", "CORS_ORIGIN lists those that are let in")
    return "pages of this origin may not open sockets here"


def read_handshake(scope: dict[str, Any], session_cookie: str) -> Handshake:
    """Of a scope that `realtime.proxies` has made believable."""
    headers = _headers(scope)
    offered = scope.get("subprotocols", [])
    return Handshake(
        origin=headers.get(b"origin"),
        own_origin=_comparable(scope, headers),
        address=scope["client"][0],
        agent=headers.get(b"user-agent", "")[:AGENT_LENGTH],
        token=_token(headers.get(b"authorization"), offered),
        session_key=_cookie(headers.get(b"cookie", ""), session_cookie),
        subprotocol=SUBPROTOCOL if SUBPROTOCOL in offered else None,
    )


def _comparable(scope: dict[str, Any], headers: dict[bytes, str]) -> str | None:
    """The own origin where an Origin is to be compared with it; none for a foreign Host."""
    if b"origin" not in headers or not host_allowed(headers.get(b"host", "")):
        return None
    return own_origin(scope, headers)


def host_allowed(host: str) -> bool:
    """Whether the Host is one of ours: a name that was rebound to our address gives no own origin."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def own_origin(scope: dict[str, Any], headers: dict[bytes, str]) -> str:
    """The origin under which the client reached this server."""
    scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
    return f"{scheme}://{headers.get(b'host', '')}"


def _headers(scope: dict[str, Any]) -> dict[bytes, str]:
    return {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}


def _token(authorization: str | None, offered: Sequence[str]) -> str | None:
    if authorization is not None:
        token = bearer_token(authorization.encode("latin-1"))
        if token is not None:
            return token
    return next((p.removeprefix(BEARER_PREFIX) for p in offered if p.startswith(BEARER_PREFIX)), None)


def _cookie(header: str, name: str) -> str | None:
    # Django's own reader: SimpleCookie gives up at the first cookie, of whatever program, that it dislikes.
    return parse_cookie(header).get(name) or None
