"""A failover to a standby that was behind: the last commits are gone, and gateways and clients live on.

What they were told of is not in the log any more, and other events come in its place.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.faults.clients import (
    Client,
    LongPollingClient,
    PollingClient,
    SocketClient,
    SocketIOClient,
    gather_quietly,
)
from tests.realtime.service_rig import Service
from tests.support.api import Api
from tests.support.boards import Board
from tests.support.environment import NO_LIMITS
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import Standby
from tests.support.processes import eventually

KINDS = (SocketClient, LongPollingClient, PollingClient, SocketIOClient)
SETTINGS = {**NO_LIMITS, "POLL_INTERVAL": "250", "CONNECTION_TIMEOUT": "6000"}
WRITES = 3
PATIENCE_SECONDS = 20.0
HTTP_SECONDS = 10.0


@asynccontextmanager
async def following(services: list[Service], board: Board) -> AsyncIterator[list[Client]]:
    """A client of each kind at each gateway."""
    clients: list[Client] = []
    async with AsyncExitStack() as resources:
        for number, service in enumerate(services):
            url = service.gateway.http_url
            http = httpx.AsyncClient(base_url=url, timeout=HTTP_SECONDS)
            await resources.enter_async_context(http)
            assert service.api.token
            for kind in KINDS:
                name, rng = f"{kind.__name__} at {number}", random.Random(number)
                clients.append(kind(name, board.id, url, service.api.token, rng, http))
        tasks = [asyncio.create_task(client.run()) for client in clients]
        try:
            yield clients
        finally:
            await gather_quietly(tasks)


def write(api: Api, task: str, title: str) -> bool:
    """Whether the change of a title was answered, the attempts before included."""
    answer = api.patch(
        f"/api/tasks/{task}/", {"title": title}, headers={"Idempotency-Key": title.replace(" ", "-")}
    )
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 200


def title_of(api: Api, task: str) -> str:
    """As the database has it: no process keeps it."""
    return str(api.get(f"/api/tasks/{task}/").json().get("title"))


async def soon(look: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(eventually, look, PATIENCE_SECONDS, what)


async def write_all(api: Api, task: str, word: str) -> None:
    for number in range(WRITES):
        await soon(partial(write, api, task, f"{word} {number}"), "a write to be answered")


def everybody_shows(clients: list[Client], api: Api, board: Board, task: str) -> bool:
    """Whether the gateway gives the board that the database has, and all the clients show that one."""
    snapshot = api.get(f"{board.path}/board/", params={"include": "commentCounts"}).json()
    if [shown["title"] for shown in snapshot.get("tasks", ())] != [title_of(api, task)]:
        return False
    seq = snapshot.pop("seq")
    return all(client.replica.seq == seq and client.replica.shown() == snapshot for client in clients)


@pytest.mark.parametrize("reloaded", [False, True], ids=["written at once", "written after they reloaded"])
async def test_after_a_failover_that_lost_commits_everybody_ends_at_the_board_that_is(
    tmp_path: Path, reloaded: bool
) -> None:
    """One gateway speaks to the server itself, one by way of a pooler that keeps its connections."""
    with ExitStack() as resources:
        first = Service(tmp_path, resources, beside=None, **SETTINGS)
        pooler = resources.enter_context(PgBouncer(first.postgres.port))
        pooled = {**SETTINGS, "DATABASE_URL": pooler.url(urlsplit(first.url).path[1:])}
        second = Service(tmp_path, resources, beside=first, **pooled)
        standby = Standby(first.postgres)
        resources.callback(standby.stop)
        board = Board(first.api)
        task = board.add_task()["id"]
        async with following([first, second], board) as clients:
            shown = partial(everybody_shows, clients, first.api, board, task)
            await soon(shown, "all clients to show the board")
            await asyncio.to_thread(standby.fall_behind)
            await write_all(first.api, task, "lost")
            await soon(shown, "all clients to show what will be lost")
            first.postgres.server.kill()
            await asyncio.to_thread(standby.take_over)
            if reloaded:
                await soon(lambda: all(client.replica.reloads for client in clients), "all clients to reload")
            await write_all(second.api, task, "new")
            await soon(shown, "all clients to show the board that is")
            assert title_of(first.api, task) == f"new {WRITES - 1}"
            for client in clients:
                assert client.replica.reloads, client.replica.name
                assert not client.replica.holes
                assert not client.replica.doubled, client.replica.name
