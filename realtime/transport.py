"""Which transport a client should choose, and where the socket is."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from realtime import origins
from realtime.policy import Policy
from realtime.proxies import PROXIED


def describe(request: HttpRequest, in_force: Policy) -> dict[str, Any]:
    return {
        "realtime": in_force.realtime,
        "websocketUrl": websocket_url(request),
        "pollIntervalMs": settings.POLL_INTERVAL,
        "banner": in_force.banner,
    }


def websocket_url(request: HttpRequest) -> str:
    """PUBLIC_WEBSOCKET_URL, else PORT on the host that was asked.

    Behind a trusted proxy PORT is not what clients reach: there it is the very address that was asked, as for
    a page of an origin that may not open sockets on another port, and where this process does not listen on a
    port that it knows. Every port serves sockets.
    """
    if settings.PUBLIC_WEBSOCKET_URL:
        return str(settings.PUBLIC_WEBSOCKET_URL)
    proxied = getattr(request, "scope", {}).get(PROXIED)
    if not settings.SERVED_PORT or proxied or _is_page_of_elsewhere(request):
        return own_url(request)
    host = urlsplit(f"//{request.get_host()}").hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{_scheme(request)}://{host}:{settings.SERVED_PORT}/"


def own_url(request: HttpRequest) -> str:
    """The socket at the very address that was asked: where a page turns that cannot open the other."""
    return f"{_scheme(request)}://{request.get_host()}/ws"


def _scheme(request: HttpRequest) -> str:
    return "wss" if request.is_secure() else "ws"


def _is_page_of_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of this very origin asks, whose origin CORS_ORIGIN does not list."""
    own = origins.canonical(f"{request.scheme}://{request.get_host()}")
    referer = request.headers.get("referer", "")
    if not referer or own is None or origins.port_of(own) == settings.SERVED_PORT:
        return False
    try:
        parts = urlsplit(referer)
    except ValueError:
        return False
    return origins.canonical(f"{parts.scheme}://{parts.netloc}") == own and own not in settings.CORS_ORIGINS
