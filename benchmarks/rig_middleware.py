"""What each middleware costs: the processor time of requests with all of them, less that with all but one.

In this process and without a socket, so that nothing else is counted: a request is an ASGI scope handed to
the handler. Twice: by Django's own handler, which goes to a thread and back for each hook, and by ours, where
all of a request is in one thread.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

import orjson

from benchmarks.rig_service import Board, Service, keep, percentile, person, token_of

ROUNDS, REQUESTS = 5, 50
REQUESTS = 60
# Who may not be there without whom: what is left out goes with those that need it.
NEED = {"SessionMiddleware": ("AuthenticationMiddleware", "MessageMiddleware")}


def measure() -> None:
    """For each of the two views by each of the two handlers."""
    with Service(durable=False):
        from django.conf import settings
        from django.core.handlers.asgi import ASGIHandler

        from devmentor.handler import OneThreadHandler

        settings.ROOT_URLCONF = "benchmarks.rig_urls"
        user = person("owner")
        board = Board(user, tasks=40)
        view = Views(board, token_of(user))
        names = list(settings.MIDDLEWARE)
        found = {}
        for handler in (ASGIHandler, OneThreadHandler):
            for request in (view.nothing, view.change):
                found[f"{handler.__name__}, {request.__name__}"] = _shares(handler, request, names)
    show(names, found)
    keep("middleware", {"rounds": ROUNDS, "requests": REQUESTS, "msOfProcessorTime": found})


class Views:
    def __init__(self, board: Board, token: str) -> None:
        self._board = board
        self._token = token
        self._count = 0

    def nothing(self) -> tuple[dict[str, Any], bytes]:
        return self._scope("GET", "/api/nothing/", b""), b""

    def change(self) -> tuple[dict[str, Any], bytes]:
        self._count += 1
        body = orjson.dumps({"title": f"Title {self._count}"})
        return self._scope("PATCH", f"/api/tasks/{self._board.tasks[self._count % 40]}/", body), body

    def _scope(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        headers = {
            "host": "localhost",
            "authorization": f"Bearer {self._token}",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "idempotency-key": f"key-{time.time_ns()}",
        }
        return {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }


Request = Callable[[], tuple[dict[str, Any], bytes]]


def _shares(handler: Callable[[], Any], request: Request, names: list[str]) -> dict[str, float]:
    """Milliseconds a request: `all`, `none`, and what leaving each of them out saves. Rounds are interleaved,
    so that a busy moment of the machine meets all of them alike.
    """
    chains: dict[str, Any] = {"all": _with(handler, names), "none": _with(handler, [])}
    chains |= {name: _with(handler, _without(name, names)) for name in names}
    taken: dict[str, list[float]] = {name: [] for name in chains}
    for _ in range(ROUNDS + 1):
        for name, chain in chains.items():
            taken[name].append(asyncio.run(_once(chain, request)))
    best = {name: percentile(times[1:], 0.25) for name, times in taken.items()}
    found = {name: round(best["all"] - best[name], 3) for name in names}
    return {"all": round(best["all"], 3), "none": round(best["none"], 3), **found}


def _without(left_out: str, names: list[str]) -> list[str]:
    gone = (left_out, *NEED.get(left_out.rpartition(".")[2], ()))
    return [name for name in names if not name.endswith(gone)]


def _with(handler: Callable[[], Any], names: list[str]) -> Any:
    from django.test import override_settings

    with override_settings(MIDDLEWARE=names):
        return handler()


async def _once(chain: Any, request: Request) -> float:
    """Milliseconds of this process's time for each of REQUESTS."""

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message

    began = time.process_time()
    for _ in range(REQUESTS):
        scope, body = request()
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        inbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
        await chain(scope, inbox.get, send)
    return (time.process_time() - began) * 1000 / REQUESTS


def show(names: list[str], found: dict[str, dict[str, float]]) -> None:
    write = sys.stdout.write
    write(
        f"{'ms of processor time a request':58}"
        + "".join(f"{name.replace('Handler', ''):>22}" for name in found)
    )
    for name in ["all", "none", *names]:
        write(f"\n{name:58}" + "".join(f"{shares[name]:22.3f}" for shares in found.values()))
    write("\n")
