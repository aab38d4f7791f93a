"""A Django request from its first byte to its last, by way of the handler that keeps it in one thread."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any
from weakref import ref

import pytest
from django.contrib.auth.hashers import make_password
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from devmentor.handler import OneThreadHandler
from devmentor.password_requests import DOORS
from tests.support.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)  # of middleware: rules that operators have set

Message = dict[str, Any]
seen: list[Any] = []


def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.body)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "part one, "
        yield "part two"

    answer = StreamingHttpResponse(parts(), content_type="text/plain", status=202)
    answer.set_cookie("flavour", "plain")
    return answer


def where(request: HttpRequest) -> HttpResponse:
    seen.append(threading.get_ident())
    return HttpResponse()


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("broken on purpose")


def hashed(request: HttpRequest) -> HttpResponse:
    return HttpResponse(make_password("x"))


class Rows(list[int]):
    """What a large answer is made of."""


class Listed(APIView):
    def get(self, request: Request) -> Response:
        rows = Rows([1, 2])
        seen.append(ref(rows))
        return Response(rows)


urlpatterns = [path(view.__name__, view) for view in (echo, stream, where, broken, hashed)]
urlpatterns += [path("listed", Listed.as_view())]


@pytest.fixture(autouse=True)
def _own_addresses() -> Iterator[None]:
    seen.clear()
    with override_settings(ROOT_URLCONF=__name__):
        yield


def exchange(address: str, *inbox: Message) -> list[Message]:
    """What is sent for a request; `inbox`: its body's messages, none stands for an empty one."""

    async def story() -> list[Message]:
        sent: list[Message] = []
        waiting = list(inbox or [{"type": "http.request", "body": b"", "more_body": False}])

        async def receive() -> Message:
            return waiting.pop(0)

        async def send(message: Message) -> None:
            sent.append(message)

        scope: Message = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http"}
        scope |= {"path": f"/{address}", "query_string": b"", "headers": [(b"host", b"localhost")]}
        scope["client"] = ("127.0.0.1", 1234)
        await OneThreadHandler()(scope, receive, send)
        return sent

    return asyncio.run(story())


def body(sent: list[Message]) -> bytes:
    return b"".join(message.get("body", b"") for message in sent)


def test_no_middleware_is_called_as_a_coroutine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hook of one that is goes to a thread and back: together they took longer than most views."""

    async def called(self: MiddlewareMixin, request: object) -> None:
        raise AssertionError(f"{self} is called as a coroutine")

    monkeypatch.setattr(MiddlewareMixin, "__acall__", called)
    assert exchange("where")[0]["status"] == 200


def test_a_body_in_parts_arrives_whole() -> None:
    parts = [b"x" * 70_000, b"y" * 70_000, b""]
    inbox = [{"type": "http.request", "body": part, "more_body": bool(part)} for part in parts]
    assert body(exchange("echo", *inbox)) == b"".join(parts)


def test_a_body_that_comes_whole_is_not_copied() -> None:
    """A file of Django's own, and what is read from it, would each be a copy beside it."""
    whole = b"x" * 100_000

    async def receive() -> Message:
        return {"type": "http.request", "body": whole, "more_body": False}

    assert asyncio.run(OneThreadHandler().read_body(receive)).read() is whole


def test_a_client_that_leaves_before_its_body_is_here_is_not_answered() -> None:
    begun = {"type": "http.request", "body": b"half", "more_body": True}
    assert exchange("echo", begun, {"type": "http.disconnect"}) == []


def test_what_a_view_streams_is_sent_whole_with_all_that_belongs_to_it() -> None:
    sent = exchange("stream")
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 202
    assert headers[b"Content-Type"] == b"text/plain"
    assert headers[b"Set-Cookie"].startswith(b"flavour=plain")
    assert body(sent) == b"part one, part two"


def test_every_answer_says_how_long_it_is() -> None:
    """Else the server sends it in chunks, which no client of HTTP/1.0 can read."""
    with override_settings(MIDDLEWARE=[]):
        headers = dict(exchange("stream")[0]["headers"])
    assert headers[b"Content-Length"] == b"18"


def test_a_request_ends_in_the_thread_in_which_it_was_answered() -> None:
    """Its database connection is that thread's, and given back when the request has ended."""

    def note(**_: object) -> None:
        seen.append(threading.get_ident())

    request_finished.connect(note)
    try:
        exchange("where")
    finally:
        request_finished.disconnect(note)
    answered, ended = seen
    assert answered == ended != threading.get_ident()


@pytest.mark.logs_errors("broken on purpose")
def test_a_view_that_breaks_is_a_500_and_the_next_is_answered() -> None:
    assert exchange("broken")[0]["status"] == 500
    assert exchange("where")[0]["status"] == 200


@pytest.mark.logs_errors("has to be in devmentor.password_requests.DOORS")
def test_no_password_is_hashed_where_other_requests_are_answered() -> None:
    """A view that does so has to be among the doors, or a crowd before it stops everybody else."""
    assert exchange("hashed")[0]["status"] == 500
    assert make_password("x").startswith("pbkdf2_sha256$")


def test_doors_are_the_addresses_that_hash() -> None:
    log_ins = ("/api/auth/token/", "/login", "/admin/login/", "/admin/password_change/")
    for address in (*log_ins, "/admin/projects/user/add/", "/admin/projects/user/1f-2/password/"):
        assert any(door.path.fullmatch(address) for door in DOORS), address
    for address in ("/", "/api/auth/token/refresh/", "/admin/projects/user/1/change/"):
        assert not any(door.path.fullmatch(address) for door in DOORS), address


def test_nothing_of_an_answer_waits_for_the_garbage_collector() -> None:
    """DRF's views, requests and answers hold one another: 64 readers of a megabyte took more than 1 GB."""
    gc.collect()
    gc.disable()
    try:
        sent = exchange("listed")
        assert body(sent) == b"[1,2]"
        eventually(lambda: seen[0]() is None, what="the thread to let go of it, too")
    finally:
        gc.enable()
