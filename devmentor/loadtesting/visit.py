"""A visit to a gateway: as whom, and for how long the log-in holds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from devmentor.loadtesting.account import Access
from devmentor.loadtesting.address import Address
from devmentor.loadtesting.gateway import check_known, check_ready
from devmentor.loadtesting.http import Http
from devmentor.loadtesting.login import LogIn


@dataclass(frozen=True, slots=True)
class Visit:
    """`http` carries the token of who makes the board; `project` None: there is none yet; `passing`: it goes
    without our doing; `tokens`: of those who write and as whom the clients come, none where all are one.
    """

    http: Http
    project: str | None
    passing: bool
    login: LogIn | None = None
    tokens: tuple[str, ...] = ()

    @asynccontextmanager
    async def renewing(self, renewed: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
        """Meanwhile keep the log-in alive; `renewed` is called after each renewal."""
        if self.login is None:
            yield
            return
        keeping = asyncio.create_task(self.login.keep_up(renewed))
        try:
            yield
        finally:
            keeping.cancel()


async def look(address: Address) -> None:
    """Raises CommandError where no gateway is ready there."""
    http = Http(address)
    try:
        await check_ready(http)
    finally:
        http.close()


@asynccontextmanager
async def visit_with(address: Address, access: Access, database: str) -> AsyncIterator[Visit]:
    """With tokens made here. Raises CommandError where they do not hold there."""
    http = Http(address, access.tokens[0])
    try:
        await check_known(http, database)
        yield Visit(http, access.project, access.passing, tokens=access.tokens)
    finally:
        http.close()


@asynccontextmanager
async def visit_as(
    address: Address, username: str, password: str, project: str | None
) -> AsyncIterator[Visit]:
    """With a password. Raises CommandError where that does not hold there."""
    http = Http(address)
    try:
        login = LogIn(http)
        await login.begin(username, password)
        yield Visit(http, project, passing=False, login=login)
    finally:
        http.close()
