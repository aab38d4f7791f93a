"""May this socket open? Reads what a handshake says of its origin, address and credentials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from realtime.authentication import Credentials, bearer_token
from realtime.census import Census
from realtime.connection import Identity
from realtime.enforcement import DROPPED, FULL, NO_ORIGIN, REALTIME_OFF
from realtime.networks import counted_as
from realtime.policy import Policy
from realtime.protocol import BEARER_PREFIX, SUBPROTOCOL, CloseCode

Refusal = tuple[CloseCode, str]
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a connection says of itself before it is let in."""

    origin: str | None
    own_origin: str
    address: str
    agent: str
    token: str | None
    session_key: str | None
    subprotocol: str | None

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.token, self.session_key if self.token is None else None)

    def origin_allowed(self, allowed: Collection[str]) -> bool:
        """Whether no Origin was sent, or one that is listed, or this server's own, port included."""
        if self.origin is None:
            return True
        return normal_origin(self.origin) in {normal_origin(o) for o in (*allowed, self.own_origin)} - {None}


def refusal(
    handshake: Handshake, identity: Identity | None, there: Census, in_force: Policy
) -> Refusal | None:
    """Why a socket may not stay beside those that are there; None where it may."""
    if not in_force.realtime:
        return CloseCode.REALTIME_OFF, REALTIME_OFF
    if there.total >= in_force.max_connections:
        return CloseCode.FULL, FULL
    if in_force.strict and handshake.token is None and handshake.origin is None:
        return CloseCode.FORBIDDEN, NO_ORIGIN
    if identity and identity.previous and not in_force.previous_secret:
        return CloseCode.UNAUTHENTICATED, DROPPED
    if 0 < settings.MAX_CONNECTIONS_PER_ADDRESS <= there.of_address[counted_as(handshake.address)]:
        return CloseCode.FULL, "too many sockets are open from your address"
    if identity and too_many(there.of_user[identity.id]):
        return CloseCode.FULL, "you have too many sockets open"
    return None


def too_many(of_user: int) -> bool:
    """Whether a user with so many open sockets may open no other."""
    return 0 < settings.MAX_CONNECTIONS_PER_USER <= of_user


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


def _comparable(scope: dict[str, Any], headers: dict[bytes, str]) -> str:
    """The own origin where an Origin is to be compared with it; "null", equal to none, for a foreign Host."""
    if b"origin" not in headers or not _host_allowed(headers):
        return "null"
    return own_origin(scope, headers)


def _host_allowed(headers: dict[bytes, str]) -> bool:
    """Whether the Host is one of ours: a name that was rebound to our address gives no own origin."""
    domain, _ = split_domain_port(headers.get(b"host", ""))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def normal_origin(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port, the default port filled in; None for what is no origin ("null" too)."""
    try:
        parts = urlsplit(origin.strip().lower())
        port = parts.port
    except ValueError:
        return None
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or "@" in parts.netloc
        or parts.path
        or parts.query
        or parts.fragment
    ):
        return None
    return parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme]


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
