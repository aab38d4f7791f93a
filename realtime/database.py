"""The one way from asynchronous code to the ORM: threads of the gateway's own, with connections of their own.

asgiref's default puts all of a process's database work behind one thread, and views share the connections of
one pool, all of which may wait for one locked board. Here neither a slow view holds up a socket, a switch or
the lease, nor a socket a view.
"""

import asyncio
import copy
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from django.db import (
    DEFAULT_DB_ALIAS,
    Error,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    reset_queries,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import load_backend
from django.dispatch import receiver
from psycopg.errors import ConnectionTimeout

from realtime import metrics
from realtime.outages import is_away

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8


@dataclass(slots=True)
class Own:
    """What is known of a thread's own connection: when it was made, and which one shares the views' pool."""

    views: Any
    made_at: float = float("-inf")


_own: WeakKeyDictionary[BaseDatabaseWrapper, Own] = WeakKeyDictionary()


def _take_own_connection() -> None:
    """Give the thread that starts a connection past the pool of the views, kept for as long as the thread.

    The alias stays what it is, so nothing that reads or writes needs to know. One that broke is replaced at
    its next use, by Django's own health check.
    """
    views = connections[DEFAULT_DB_ALIAS]
    if "pool" not in views.settings_dict["OPTIONS"]:
        return  # on SQLite each use opens a connection of its own
    settings = copy.deepcopy(views.settings_dict)
    del settings["OPTIONS"]["pool"]
    settings["CONN_MAX_AGE"] = None
    wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = wrapper
    _own[wrapper] = Own(views)


@receiver(connection_created)
def _replace_what_broke_too(connection: BaseDatabaseWrapper, **_: object) -> None:
    """A thread's connection had to be made again, since the database failed: what waits in the views' pool is
    as dead as that was. An outage that all of the threads notice empties the pool once.
    """
    own = _own.get(connection)
    if own is None:
        return
    broken_made_at, own.made_at = own.made_at, time.monotonic()
    if broken_made_at > float("-inf"):
        metrics.DATABASE_FAILURES.inc()
        own.views.pool.drop_older(broken_made_at)


def _threads(count: int, name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix=name, initializer=_take_own_connection)


_pool = _threads(THREADS, "gateway-database")
# Beside it a thread each for what must not wait behind a rush, in which all of these are busy.
_aside = _threads(1, "gateway-database-aside")
_asking = _threads(1, "gateway-database-there")


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run synchronous database work in one of the gateway's threads."""
    return await asyncio.get_running_loop().run_in_executor(
        _pool, partial(_run, partial(work, *args, **kwargs), time.monotonic())
    )


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The same past whatever waits for a thread, for the little that has to be quick at any time."""
    return await asyncio.get_running_loop().run_in_executor(
        _aside, partial(_run, partial(work, *args, **kwargs), time.monotonic())
    )


async def answers(seconds: float) -> bool:
    """Whether the database answers in time. In a thread of its own: a gateway that is taken for not ready in
    a rush makes its neighbours' rush worse.
    """
    asked = asyncio.get_running_loop().run_in_executor(_asking, partial(_run, _ask, time.monotonic()))
    try:
        async with asyncio.timeout(seconds):
            await asked
    except Exception:  # noqa: BLE001  whatever keeps it from answering, it does not answer
        return False
    return True


def close_connections() -> None:
    """Close those of the threads, which have nothing more to do: the server is told, and logs no lost client.

    One that is used all the same is opened again.
    """
    for wrapper in list(_own):
        wrapper.inc_thread_sharing()  # closed here, and not in its own thread
        try:
            wrapper.close()
        except Error as failure:
            logger.debug("a connection to the database was broken as it was closed: %r", failure)
        finally:
            wrapper.dec_thread_sharing()


def _ask() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


class Outage:
    """Tells all who wait for a thread what the first to try has found: that no connection can be made.

    Each such attempt takes seconds. One after the other, a crowd would wait for minutes.
    """

    def __init__(self) -> None:
        self._answered_at = self._failed_at = float("-inf")
        self._failure = ""

    def check(self, asked_at: float) -> None:
        """Raise OperationalError where an attempt has failed since this was asked, and none did better."""
        if self._failed_at > max(asked_at, self._answered_at):
            raise OperationalError(self._failure)

    def answered(self) -> None:
        self._answered_at = time.monotonic()

    def failed(self, failure: Error, began: float) -> None:
        if isinstance(failure.__cause__, ConnectionTimeout) and self._answered_at < began:
            self._failed_at, self._failure = time.monotonic(), str(failure)


_outage = Outage()


def _run(work: Callable[[], T], asked_at: float) -> T:
    _outage.check(asked_at)
    began = time.monotonic()
    close_old_connections()
    reset_queries()  # with DEBUG on a connection keeps its last 9000; Django forgets them at each request
    try:
        done = work()
    except Error as failure:
        if is_away(failure):
            metrics.DATABASE_FAILURES.inc()
        _outage.failed(failure, began)
        raise
    else:
        _outage.answered()
        return done
    finally:
        close_old_connections()
