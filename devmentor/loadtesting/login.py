"""As whom the clients come where the gateway is another's: a user with a password, by its own REST API."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from django.core.management.base import CommandError

from devmentor.loadtesting.http import Answer, Http

SHARE = 2 / 3  # of a token's time after which it is renewed
AGAIN_SECONDS = 10.0  # where a renewal failed


class LogIn:
    """Logs in, and renews before the token runs out: it lives a quarter of an hour, runs may live a day."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._credentials: dict[str, str] = {}
        self._refresh = ""

    async def begin(self, username: str, password: str) -> None:
        """From now on `http` carries the token. Raises CommandError."""
        self._credentials = {"username": username, "password": password}
        try:
            answer = await self._log_in()
        except OSError as failure:
            raise CommandError(f"{username} cannot log in: {failure}") from None
        if answer.status != 200:
            raise CommandError(f"{username} cannot log in at {self._http.address.http}: {answer}")
        self._keep(answer.json())

    async def keep_up(self, renewed: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled: renew in time, and call `renewed`, for whoever has shown the old token."""
        pause = self._pause
        while True:
            await asyncio.sleep(pause)
            pause = AGAIN_SECONDS
            with suppress(OSError):
                answer = await self._renew()
                if answer.status == 200:
                    self._keep(answer.json())
                    pause = self._pause
                    await renewed()

    async def _renew(self) -> Answer:
        """By the refresh token; by a new log-in where a try whose answer was lost has used that up."""
        answer = await self._http.ask("POST", "/api/auth/token/refresh/", {"refresh": self._refresh})
        return await self._log_in() if answer.status == 401 else answer

    async def _log_in(self) -> Answer:
        return await self._http.ask("POST", "/api/auth/token/", self._credentials)

    @property
    def _pause(self) -> float:
        return lifetime(self._http.token or "") * SHARE

    def _keep(self, pair: dict[str, str]) -> None:
        self._refresh, self._http.token = pair["refresh"], pair["access"]


def lifetime(token: str) -> float:
    """For how many seconds a JWT was issued, whatever the clocks say now."""
    claims = token.split(".")[1]
    found = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return float(found["exp"] - found["iat"])
