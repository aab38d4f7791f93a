"""psycopg, as Django's engine takes a driver, with connections that give up a server that says nothing."""

import time
from collections.abc import Generator
from typing import Any, TypeVar

import psycopg
from psycopg import *  # noqa: F403  the names of the DB-API, which Django looks for here

from devmentor.postgresql import bounds

T = TypeVar("T")


class BoundedConnection(psycopg.Connection[Any]):
    """Closed, with an OperationalError, once a server has been silent for `bounds.silence()` seconds.

    libpq itself waits for as long as the other end acknowledges what it is sent, and the kernel of a process
    that hangs does so for ever. What was asked may still be carried out once that process goes on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.made_at = time.monotonic()

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **kwargs: Any) -> T:
        """All that psycopg awaits of a connection that is made comes through here."""
        seconds = bounds.silence()
        if seconds is None:
            return super().wait(gen, *args, **kwargs)
        try:
            return super().wait(_until_silent(gen, seconds), *args, **kwargs)
        except Silent:
            self.close()
            raise psycopg.OperationalError(f"no word from the server in {seconds:g} s") from None


class Silent(Exception):
    """The server has said nothing for too long."""


def _until_silent(gen: Generator[Any, Any, T], seconds: float) -> Generator[Any, Any, T]:
    """The same steps, until the socket has not been ready for so long. Raises Silent.

    psycopg sends each step what the socket is ready for, or nothing ten times a second: only then is the
    clock looked at.
    """
    ready: Any = None
    silent_since: float | None = None
    while True:
        try:
            step = gen.send(ready)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        ready = yield step
        if ready:
            silent_since = None
        elif silent_since is None:
            silent_since = time.monotonic()
        elif time.monotonic() - silent_since > seconds:
            raise Silent


connect = BoundedConnection.connect
