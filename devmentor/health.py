"""Health, readiness and metrics: plain ASGI, so that they answer while every thread is busy."""

import asyncio
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
from realtime.responses import READING, answer_options, send_response
from realtime.routing import OnlyFrom, asgi_route

DATABASE_SECONDS = 2.0

Answer = tuple[int, bytes, str, *tuple[tuple[bytes, bytes], ...]]  # status, body, media type, headers
NOT_ALLOWED: Answer = 405, b"only GET is answered here\n", "text/plain", (b"allow", READING)


def routes(gateway: Gateway) -> list[Any]:
    page = MetricsPage()

    async def health(scope: Scope) -> Answer:
        return _json(200, {"status": "healthy", "connections": gateway.open_sockets})

    async def ready(scope: Scope) -> Answer:
        there, current = await asyncio.gather(answers(DATABASE_SECONDS), gateway.following.is_current())
        database = "ok" if gateway.audit.holds_lease and there else "failed"
        layer = "ok" if gateway.bell is not None and gateway.bell.healthy else "degraded"
        checks = {"database": database, "channelLayer": layer, "draining": gateway.draining}
        if not current:  # what operators have set cannot be read
            checks["switches"] = "failed"
        up = database == "ok" and current and not gateway.draining
        said: dict[str, Any] = {"status": "ready" if up else "not-ready"}
        if is_from(scope, settings.METRICS_NETWORKS):
            said["checks"] = checks
        return _json(200 if up else 503, said)

    async def metrics(scope: Scope) -> Answer:
        text, age = page.text()
        stored = [] if age is None else [(b"age", b"%d" % age)]  # RFC 9111, section 5.1
        return 200, text, CONTENT_TYPE_LATEST, *stored

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
        unkept = (b"cache-control", b"no-store")
        if scope["method"] == "OPTIONS":
            await answer_options(scope, send, READING, [unkept])
            return
        known = scope["method"] in ("GET", "HEAD")
        status, body, media_type, *headers = await answer(scope) if known else NOT_ALLOWED
        await send_response(scope, send, status, body, media_type, [unkept, *headers])

    return application
