"""The one way from asynchronous code to the ORM."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from django.db import Error, close_old_connections, connection, reset_queries

from realtime import metrics
from realtime.outages import is_away

P = ParamSpec("P")
T = TypeVar("T")

# A pool of its own, so that a slow view never holds up a socket, nor a socket a view: asgiref's default
# puts all of a process's database work behind one thread.
THREADS = 8
_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="gateway-database")
# Beside it a thread each for what must not wait behind a rush, in which all of the pool's are busy.
_aside = ThreadPoolExecutor(1, thread_name_prefix="gateway-database-aside")
_asking = ThreadPoolExecutor(1, thread_name_prefix="gateway-database-there")


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous database work in the gateway's pool and give its connection back after it."""
    return await asyncio.get_running_loop().run_in_executor(
        _pool, partial(_run, partial(work, *args, **kwargs))
    )


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same past whatever waits for the pool, for the little that has to be quick at any time."""
    return await asyncio.get_running_loop().run_in_executor(
        _aside, partial(_run, partial(work, *args, **kwargs))
    )


async def answers(seconds: float) -> bool:
    """Whether the database answers in time. In a thread of its own: a gateway that is taken for not ready in
    a rush makes its neighbours' rush worse.
    """
    asked = asyncio.get_running_loop().run_in_executor(_asking, partial(_run, _ask))
    try:
        async with asyncio.timeout(seconds):
            await asked
    except Exception:  # noqa: BLE001  whatever keeps it from answering, it does not answer
        return False
    return True


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _run(work: Callable[[], T]) -> T:
    close_old_connections()
    reset_queries()  # with DEBUG on a connection keeps its last 9000; Django forgets them at each request
    try:
        return work()
    except Error as failure:
        if is_away(failure):
            metrics.DATABASE_FAILURES.inc()
        raise
    finally:
        close_old_connections()
