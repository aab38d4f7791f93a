"""Health, readiness and metrics: plain ASGI, so that they answer while every thread is busy."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST

from realtime.database import answers
from realtime.exposition import exposition
from realtime.gateway import Gateway
from realtime.routing import asgi_route

DATABASE_SECONDS = 2.0

Answer = tuple[int, bytes, str]


def routes(gateway: Gateway) -> list[Any]:
    async def health() -> Answer:
        return _json(200, {"status": "healthy", "connections": gateway.open_sockets})

    async def ready() -> Answer:
        database = "ok" if await answers(DATABASE_SECONDS) else "failed"
        layer = "ok" if gateway.bell is not None and gateway.bell.healthy else "degraded"
        checks = {"database": database, "channelLayer": layer, "draining": gateway.draining}
        up = database == "ok" and not gateway.draining
        return _json(200 if up else 503, {"status": "ready" if up else "not-ready", "checks": checks})

    async def metrics() -> Answer:
        return 200, exposition(), CONTENT_TYPE_LATEST

    found = (("health", health), ("ready", ready), ("metrics", metrics))
    return [asgi_route(rf"^{name}/?$", _endpoint(answer)) for name, answer in found]


def _json(status: int, value: dict[str, Any]) -> Answer:
    return status, orjson.dumps(value), "application/json"


def _endpoint(answer: Callable[[], Awaitable[Answer]]) -> Callable[..., Awaitable[None]]:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        known = scope["method"] in ("GET", "HEAD")
        status, body, media_type = (
            await answer() if known else (405, b"only GET is answered here\n", "text/plain")
        )
        headers = [
            (b"content-type", media_type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *([] if known else [(b"allow", b"GET, HEAD")]),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return application
