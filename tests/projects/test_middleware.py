"""What stands around every view: cheap, and believed only as far as it can be."""

import asyncio
from typing import Any

import pytest
import structlog
from django.test import RequestFactory, override_settings
from django.utils.deprecation import MiddlewareMixin

from devmentor.handler import OneThreadHandler
from realtime.middleware import RequestLogMiddleware
from realtime.networks import read_network


async def get(path: str) -> int:
    """The status of an answer by way of ASGI, as a gateway asks."""
    told: list[dict[str, Any]] = []
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    scope: dict[str, Any] = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http"}
    scope |= {"path": path, "query_string": b"", "headers": [(b"host", b"localhost")]}
    await OneThreadHandler()(scope, inbox.get, send)
    status: int = told[0]["status"]
    return status


@pytest.mark.django_db(transaction=True)
def test_no_middleware_is_called_as_a_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hook of one that is goes to a thread and back: together they took longer than most views."""

    async def called(self: MiddlewareMixin, request: object) -> None:
        raise AssertionError(f"{self} is called as a coroutine")

    monkeypatch.setattr(MiddlewareMixin, "__acall__", called)
    assert asyncio.run(get("/api/nothing/")) == 404


@pytest.mark.parametrize("proxies,address", [([], "127.0.0.1"), (["127.0.0.0/8"], "192.0.2.7")])
def test_the_log_names_the_address_that_can_be_believed(proxies, address):
    """A client writes what it likes into X-Forwarded-For; a proxy of ours adds at the right."""
    request = RequestFactory().get("/", headers={"x-forwarded-for": "10.9.9.9, 192.0.2.7"})
    with (
        override_settings(TRUSTED_PROXIES=[read_network(proxy) for proxy in proxies]),
        structlog.contextvars.bound_contextvars(),
    ):
        RequestLogMiddleware.bind_ip(request)
        assert structlog.contextvars.get_contextvars()["ip"] == address
        structlog.contextvars.clear_contextvars()
