"""The ASGI application: which address is whose."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import re_path

from realtime.bodies import BodyReader, Bounds
from realtime.consumers import GatewayConsumer
from realtime.gateway import Gateway
from realtime.ids import PATTERN
from realtime.polling import ASGIApp, EventsEndpoint
from realtime.proxies import believable
from realtime.socketio_transport import PATH, SocketIOTransport

SOCKETS = ("/", "/ws", "/ws/")


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
                rf"^api/{kind.name}s/(?P<room_id>{PATTERN})/events/$", EventsEndpoint(gateway, kind, http)
            )
            for kind in gateway.kinds.values()
        ]
        socketio = asgi_route(rf"^{PATH}/", SocketIOTransport(gateway))
        self._router = ProtocolTypeRouter(
            {
                "http": BodyReader(
                    URLRouter([*own, *polls, socketio, asgi_route("", http)]),
                    Bounds(settings.DATA_UPLOAD_MAX_MEMORY_SIZE),
                ),
                "websocket": URLRouter([socketio, asgi_route("", refuse)]),
            }
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.gateway.ensure_started()
        # In place: a server keeps its scope, and the headers with it, for as long as a socket stays.
        scope.update(believable(scope, settings.TRUSTED_PROXIES))
        if scope["type"] == "websocket" and scope["path"] in SOCKETS:
            # Past the routers: what they keep for a request, each socket would keep for as long as it stays.
            await GatewayConsumer(self.gateway)(scope, receive, send)
        else:
            await self._router(scope, receive, send)


async def refuse(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """No socket lives at that address."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})
