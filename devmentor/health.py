"""Health, readiness and metrics: plain ASGI, so that they answer while every thread is busy."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from django.conf import settings
from prometheus_client import CONTENT_TYPE_LATEST

from realtime.asgi import Scope
from realtime.database import answers
from realtime.exposition import MetricsPage
from realtime.gateway import Gateway
from realtime.proxies import is_from
from realtime.responses import send_response
from realtime.routing import OnlyFrom, asgi_route

DATABASE_SECONDS = 2.0

Answer = tuple[int, bytes, str]


def routes(gateway: Gateway) -> list[Any]:
    page = MetricsPage()

    async def health(scope: Scope) -> Answer:
        return _json(200, {"status": "healthy", "connections": gateway.open_sockets})

    async def ready(scope: Scope) -> Answer:
        database = "ok" if await answers(DATABASE_SECONDS) else "failed"
        layer = "ok" if gateway.bell is not None and gateway.bell.healthy else "degraded"
        checks = {"database": database, "channelLayer": layer, "draining": gateway.draining}
        up = database == "ok" and not gateway.draining
        said: dict[str, Any] = {"status": "ready" if up else "not-ready"}
        if is_from(scope, settings.METRICS_NETWORKS):
            said["checks"] = checks
        return _json(200 if up else 503, said)

    async def metrics(scope: Scope) -> Answer:
        return 200, page.text(), CONTENT_TYPE_LATEST

    found = {
        "health": _endpoint(health),
        "ready": _endpoint(ready),
        "metrics": OnlyFrom("METRICS_NETWORKS", _endpoint(metrics)),
    }
    return [asgi_route(rf"^{name}/?$", application) for name, application in found.items()]


def _json(status: int, value: dict[str, Any]) -> Answer:
    return status, orjson.dumps(value), "application/json"


def _endpoint(answer: Callable[[Scope], Awaitable[Answer]]) -> Callable[..., Awaitable[None]]:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        known = scope["method"] in ("GET", "HEAD")
        status, body, media_type = (
            await answer(scope) if known else (405, b"only GET is answered here\n", "text/plain")
        )
        headers = [(b"cache-control", b"no-store"), *([] if known else [(b"allow", b"GET, HEAD")])]
        await send_response(scope, send, status, body, media_type, headers)

    return application
