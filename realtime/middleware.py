"""Lets a page's Content-Security-Policy name the socket's address, which only the request knows."""

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse

from realtime.transport import websocket_url


class SocketSourceMiddleware:
    """Adds the gateway to `connect-src` of HTML answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("content-type", "").startswith("text/html"):
            with suppress(DisallowedHost):  # the 400 page that says so opens no socket
                of_the_view = getattr(response, "_csp_update", None) or {}
                sources = {"connect-src": self._sources(request), **of_the_view}
                response._csp_update = sources  # type: ignore[attr-defined]
        return response

    def _sources(self, request: HttpRequest) -> list[str]:
        parts = urlsplit(websocket_url(request))
        own = "wss" if request.is_secure() else "ws"
        sources = [f"{parts.scheme}://{parts.netloc}", f"{own}://{request.get_host()}"]
        if not settings.PUBLIC_WEBSOCKET_URL:
            sources.append(f"{own}://{urlsplit('//' + request.get_host()).hostname}:{settings.PORT}")
        return list(dict.fromkeys(sources))
