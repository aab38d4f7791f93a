"""The ASGI application: which address is whose."""

from functools import partial
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from realtime.admission import host_allowed
from realtime.asgi import ASGIApp, Send
from realtime.bodies import MAX_BODY_BYTES, BodyReader, Bounds
from realtime.consumers import GatewayConsumer
from realtime.gateway import Gateway
from realtime.ids import PATTERN
from realtime.polling import EventsEndpoint
from realtime.proxies import believable, doubled, is_from
from realtime.refusals import note, refuse, shown
from realtime.responses import answer_options
from realtime.socketio_transport import PATH, SocketIOTransport

SOCKETS = ("/", "/ws", "/ws/")
WHERE = "/, /ws and /socket.io/"
UPGRADE_ADVICE = "a proxy in between has to hand on Upgrade and Connection, over HTTP/1.1"


def asgi_route(pattern: str, application: Any) -> Any:
    """A route to an ASGI application, which Django's types for `re_path` do not know."""
    return re_path(pattern, application)


class Application:
    """All routes of a process over its one gateway.

    http: answers what no route of ours does
    own: URL patterns of further ASGI applications
    """

    def __init__(self, gateway: Gateway, http: ASGIApp, own: list[Any]) -> None:
        self.gateway = gateway
        polls = [
            asgi_route(
                rf"^api/{kind.name}s/(?P<room_id>{PATTERN})/events/$",
                KnownHosts(OverHttps(EventsEndpoint(gateway, kind, http), http)),
            )
            for kind in gateway.kinds.values()
        ]
        socketio = SocketIOTransport(gateway)
        below = rf"^{PATH}(/|$)"
        admin = OnlyFrom("ADMIN_NETWORKS", http)
        others = [
            asgi_route(below, KnownHosts(socketio)),
            asgi_route("^ws/?$", KnownHosts(expect_upgrade)),
            asgi_route("^admin(/|$)", KnownHosts(admin)),
            asgi_route("", KnownHosts(http)),
        ]
        self._router = ProtocolTypeRouter(
            {
                "http": BodyReader(URLRouter([*own, *polls, *others]), Bounds(MAX_BODY_BYTES)),
                "websocket": URLRouter([asgi_route(below, socketio), asgi_route("", nowhere)]),
            }
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.gateway.ensure_started()
        if scope.get("method") == "HEAD":
            send = _without_body(send)
        # In place: a server keeps its scope, and the headers with it, for as long as a socket stays.
        scope.update(believable(scope, settings.TRUSTED_PROXIES))
        if scope["type"] == "http":
            send = partial(_send_last_while, self.gateway, send)
        if twice := doubled(scope["headers"]):
            came = f"{twice} in several lines, from {shown(scope['client'][0])}"
            note("twice", came, "it may stand in one line only")
            await refuse(scope, receive, send, 400, "bad-request", f"{twice} stands in several lines")
        elif scope["type"] == "websocket" and scope["path"] in SOCKETS:
            # Past the routers: what they keep for a request, each socket would keep for as long as it stays.
            await GatewayConsumer(self.gateway)(scope, receive, send)
        else:
            await self._router(scope, receive, send)


def _without_body(send: Send) -> Send:
    """What answers HEAD, for applications that answer it as GET: daphne keeps back the first part alone."""

    async def send_head(message: dict[str, Any]) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


async def _send_last_while(gateway: Gateway, send: Send, message: dict[str, Any]) -> None:
    """While the gateway drains each answer is its connection's last.

    A proxy keeps connections, and would send a write by one of them in the moment in which it is closed.
    """
    if gateway.draining and message["type"] == "http.response.start":
        headers = message.get("headers", [])
        if not any(name == b"connection" for name, _ in headers):
            message = {**message, "headers": [*headers, (b"connection", b"close")]}
    await send(message)


class KnownHosts:
    """Lets through what asks for one of our hosts, in front of all but what probes ask.

    A page of a foreign name that was rebound to our address would else read and write as one of ours.
    """

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), None)
        if host is None or host_allowed(host):
            await self.application(scope, receive, send)
            return
        came = f"Host {shown(host)}, from {shown(scope['client'][0])}"
        note("host", came, "ALLOWED_HOSTS lists those that are served")
        await refuse(scope, receive, send, 400, "bad-request", "no host of that name is served here")


class OverHttps:
    """Hands what came over http to Django where that redirects to https, as it does for every other route."""

    def __init__(self, application: ASGIApp, redirecting: ASGIApp) -> None:
        self.application = application
        self.redirecting = redirecting

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        is_redirected = settings.SECURE_SSL_REDIRECT and scope["scheme"] == "http"
        await (self.redirecting if is_redirected else self.application)(scope, receive, send)


class OnlyFrom:
    """Lets through what comes from the networks of a setting; where that is empty, from anywhere."""

    def __init__(self, setting: str, application: ASGIApp) -> None:
        self.setting = setting
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if is_from(scope, getattr(settings, self.setting)):
            await self.application(scope, receive, send)
            return
        came = f"{shown(scope['path'])}, from {shown(scope['client'][0])}"
        note("network", came, f"{self.setting} lists the networks that it is answered to")
        await refuse(
            scope,
            receive,
            send,
            403,
            "forbidden",
            "this address is answered to the operators' networks alone",
        )


async def nowhere(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket lives at that address."""
    came = f"a socket at {shown(scope['path'])}, from {shown(scope['client'][0])}"
    note("path", came, f"they are opened at {WHERE}")
    await refuse(
        scope, receive, send, 404, "not-found", f"no socket is here: {WHERE} are the addresses of sockets"
    )


async def expect_upgrade(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A plain request where sockets are: mostly the handshake of a browser, as a proxy has handed it on."""
    if scope["method"] == "OPTIONS":
        await answer_options(scope, send, b"GET, OPTIONS")
        return
    note("no upgrade", f"a request without Upgrade at /ws, from {shown(scope['client'][0])}", UPGRADE_ADVICE)
    detail = f"this is the address of a WebSocket, and no Upgrade has come: {UPGRADE_ADVICE}"
    headers = [(b"upgrade", b"websocket"), (b"connection", b"upgrade")]
    await refuse(scope, receive, send, 426, "upgrade-required", detail, headers)
