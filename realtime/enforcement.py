"""Which open connections may not stay under rules that have changed. Pure.

It tells before a change is made, too, whom that would touch.
"""

from dataclasses import dataclass

from realtime.connection import LONG_POLL
from realtime.networks import Blocklist
from realtime.policy import Policy
from realtime.protocol import CloseCode

Ground = tuple[CloseCode, str]

REALTIME_OFF = "real-time is off: poll"
BLOCKED = "your network is blocked here: ask whoever runs this service"
DROPPED = "the secret of your token is no longer accepted: log in again"
NO_LOG_IN = "credentials are required: log in"
NO_ORIGIN = "strict mode: send an Origin or a bearer token"


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a connection is here. `credential`: guest, token, previous, session; empty: not known."""

    address: str
    credential: str
    has_origin: bool
    transport: str = "websocket"


def ground(
    terms: Terms, in_force: Policy, blocked: Blocklist, now: float, *, guests_wait: bool = False
) -> Ground | None:
    """Why an open connection may not stay; None where it may. `now` in epoch seconds.

    guests_wait: guests are not judged here: they are within the time that they have to log in
    """
    if blocked.find(terms.address, now) is not None:
        return CloseCode.FORBIDDEN, BLOCKED
    if not in_force.realtime:
        return CloseCode.REALTIME_OFF, REALTIME_OFF
    if terms.credential == "guest":
        return None if guests_wait else guest_ground(in_force)
    if in_force.strict and lacks_origin(terms):
        return CloseCode.FORBIDDEN, NO_ORIGIN
    if terms.credential == "previous" and not in_force.previous_secret:
        return CloseCode.UNAUTHENTICATED, DROPPED
    return None


def guest_ground(in_force: Policy) -> Ground | None:
    """Why a guest may not stay."""
    if in_force.strict:
        return CloseCode.FORBIDDEN, "strict mode: log in"
    if in_force.require_auth:
        return CloseCode.UNAUTHENTICATED, NO_LOG_IN
    return None


def lacks_origin(terms: Terms) -> bool:
    """Whether it carries no bearer token, and has no Origin that says which page it belongs to.

    Of a poll none is asked: browsers send none with a page's requests to its own server.
    """
    return terms.credential == "session" and not terms.has_origin and terms.transport != LONG_POLL
