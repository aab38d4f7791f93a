"""Which transport a client should choose, and where the socket is."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from realtime.admission import normal_origin
from realtime.policy import Policy


def describe(request: HttpRequest, in_force: Policy) -> dict[str, Any]:
    return {
        "realtime": in_force.realtime,
        "websocketUrl": websocket_url(request),
        "pollIntervalMs": settings.POLL_INTERVAL,
        "banner": in_force.banner,
    }


def websocket_url(request: HttpRequest) -> str:
    """PUBLIC_WEBSOCKET_URL, else PORT on the host that was asked.

    A page of an origin that may not open sockets on another port gets its own: every port serves both.
    """
    if settings.PUBLIC_WEBSOCKET_URL:
        return str(settings.PUBLIC_WEBSOCKET_URL)
    scheme = "wss" if request.is_secure() else "ws"
    if _is_page_of_elsewhere(request):
        return f"{scheme}://{request.get_host()}/ws"
    host = urlsplit(f"//{request.get_host()}").hostname or "localhost"
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{settings.PORT}/"


def _is_page_of_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of this very origin asks, whose origin CORS_ORIGIN does not list."""
    own = normal_origin(f"{request.scheme}://{request.get_host()}")
    referer = request.headers.get("referer", "")
    if not referer or own is None or own[2] == settings.PORT:
        return False
    try:
        parts = urlsplit(referer)
    except ValueError:
        return False
    return normal_origin(f"{parts.scheme}://{parts.netloc}") == own and own not in {
        normal_origin(origin) for origin in settings.CORS_ORIGINS
    }
