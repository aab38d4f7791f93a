"""The requests that hash a password: few threads and a short queue for them, and limits before that.

A password's hash takes a fifth of a second of a core. Whoever tries log-ins must not take the threads, the
database's connections or the cores that all other requests share: what is too much is refused on the event
loop, and what waits for a thread here holds none elsewhere.
"""

import os
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.http import HttpResponse

from devmentor.handler import OneThreadHandler
from realtime import admission, cross_origin, metrics, refusals
from realtime.log_in_attempts import LONGEST_FORM, LogInAttempts, known_device
from realtime.log_in_lock import lasting

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Waiting and under way, for each thread: some five seconds' worth.
PLACES = 16 * THREADS
FOR_KNOWN_DEVICES = PLACES // 4  # of them are kept for browsers that have logged in before
BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Door:
    """Addresses at which a POST hashes a password.

    name: for metrics
    right: the status of an answer to a right password
    """

    name: str
    path: re.Pattern[str]
    right: int

    def outcome(self, answer: HttpResponse) -> str:
        """What became of the attempt: succeeded, failed, or locked."""
        sent_to_log_in = answer.headers.get("Location", "").startswith("/admin/login/")
        if answer.status_code == self.right and not sent_to_log_in:
            return "succeeded"
        return "locked" if answer.status_code == 429 else "failed"


DOORS = (
    Door("api", re.compile(r"/api/auth/token/"), 200),
    Door("page", re.compile(r"/login"), 302),
    Door("admin", re.compile(r"/admin/login/"), 302),
    Door("change", re.compile(r"/admin/password_change/"), 302),
    Door("users", re.compile(r"/admin/\w+/user/(add|[^/]+/password)/"), 302),
)


class PasswordHandler(OneThreadHandler):
    """Answers these requests in threads of their own, and all others as before."""

    def __init__(self) -> None:
        super().__init__()
        self._hashing = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._attempts = LogInAttempts(settings.LOGIN_ATTEMPTS_PER_MINUTE)
        self._taken = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        door = _door(scope)
        if door is None or _is_of_another_site(scope):
            await super().__call__(scope, receive, send)
            return
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answer = await self._try(door, scope, body)
        if isinstance(answer, Refusal):
            await _refuse(answer, scope, receive, send)
        else:
            await self.send_response(answer, send)

    async def _try(self, door: Door, scope: Any, body: IO[bytes]) -> "HttpResponse | Refusal":
        """Within the limits of the address, or of the browser."""
        address = scope["client"][0]
        device = _device(scope, body)
        attempt = self._attempts.take(address, device, time.monotonic())
        if attempt is None:
            metrics.LOG_INS.labels(door.name, "limited").inc()
            return Refusal.too_many(self._attempts.wait(address, time.monotonic()))
        answer = await self._place(scope, body, device is not None)
        outcome = answer.outcome if isinstance(answer, Refusal) else door.outcome(answer)
        if outcome in ("busy", "succeeded"):
            self._attempts.give_back(attempt, time.monotonic())
        metrics.LOG_INS.labels(door.name, outcome).inc()
        return answer

    async def _place(self, scope: Any, body: IO[bytes], known: bool) -> "HttpResponse | Refusal":
        """One of the few places, if there is one."""
        if self._taken >= (PLACES if known else PLACES - FOR_KNOWN_DEVICES):
            return Refusal.busy()
        self._taken += 1
        metrics.PASSWORD_REQUESTS.set(self._taken)
        try:
            return await self.answer_in(self._hashing, scope, body)
        finally:
            self._taken -= 1
            metrics.PASSWORD_REQUESTS.set(self._taken)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is given before a password is looked at."""

    outcome: str
    status: int
    code: str
    detail: str
    seconds: int
    advice: str

    @classmethod
    def too_many(cls, seconds: float) -> "Refusal":
        whole = max(1, round(seconds + 0.5))
        detail = f"too many log-ins were tried from your address: wait {lasting(whole)} and try again"
        return cls("limited", 429, "rate-limited", detail, whole, "LOGIN_ATTEMPTS_PER_MINUTE is reached")

    @classmethod
    def busy(cls) -> "Refusal":
        detail = f"very many people log in just now: wait {lasting(BUSY_SECONDS)} and try again"
        advice = f"{PLACES} passwords wait to be hashed, as many as are let in"
        return cls("busy", 503, "unavailable", detail, BUSY_SECONDS, advice)


async def _refuse(refusal: Refusal, scope: Any, receive: Any, send: Any) -> None:
    came = f"a log-in from {refusals.shown(scope['client'][0])}"
    refusals.note(f"log-in {refusal.outcome}", came, refusal.advice)
    headers = [(b"retry-after", str(refusal.seconds).encode()), (b"cache-control", b"no-store")]
    if scope["path"].startswith("/api/"):
        headers += cross_origin.headers(scope)
    await refusals.refuse(scope, receive, send, refusal.status, refusal.code, refusal.detail, headers)


def _is_of_another_site(scope: Any) -> bool:
    """Whether a page of another site sent it from its visitor's browser, by all that such a page can send.

    That is refused as any other request, before a password is looked at: as an attempt it would lock the
    visitor's address out.
    """
    asked = admission.read_handshake(scope, settings.SESSION_COOKIE_NAME)
    if asked.origin is None or asked.origin_allowed(settings.CORS_ORIGINS):
        return False
    is_json = any(b"json" in value.lower() for name, value in scope["headers"] if name == b"content-type")
    return not (scope["path"].startswith("/api/") and is_json)


def _door(scope: Any) -> Door | None:
    if scope["method"] != "POST":
        return None
    return next((door for door in DOORS if door.path.fullmatch(scope["path"])), None)


def _device(scope: Any, body: IO[bytes]) -> Any:
    fields = dict(scope["headers"])
    if b"cookie" not in fields:
        return None
    start = body.read(LONGEST_FORM + 1)
    body.seek(0)
    media_type = fields.get(b"content-type", b"").decode("latin-1")
    return known_device(fields[b"cookie"].decode("latin-1"), media_type, start)
