"""The requests that hash a password: few threads and a short queue for them, and limits before that.

A password's hash takes a fifth of a second of a core. Whoever tries log-ins must not take the threads, the
database's connections or the cores that all other requests share: what is too much is refused on the event
loop, and what waits for a thread here holds none elsewhere.
"""

import math
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
from realtime.log_in_attempts import LONGEST_FORM, Claim, LogInAttempts, NameLimits, read_claim
from realtime.log_in_lock import lasting

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# Waiting and under way, for each thread: some five seconds' worth.
PLACES = 16 * THREADS
FOR_KNOWN_DEVICES = PLACES // 4  # of them are kept for browsers that have logged in before
FOR_A_NAME = max(2, PLACES // 8)
BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Door:
    """Addresses at which a POST hashes a password.

    name: for metrics
    right: the status of an answer to a right password
    is_log_in: whether it is by a name that stands in the body
    """

    name: str
    path: re.Pattern[str]
    right: int
    is_log_in: bool = True

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
    Door("change", re.compile(r"/admin/password_change/"), 302, is_log_in=False),
    Door("users", re.compile(r"/admin/\w+/user/(add|[^/]+/password)/"), 302, is_log_in=False),
)


class PasswordHandler(OneThreadHandler):
    """Answers these requests in threads of their own, and all others as before."""

    def __init__(self) -> None:
        super().__init__()
        self._hashing = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._attempts = LogInAttempts(settings.LOGIN_ATTEMPTS_PER_MINUTE)
        self._names = NameLimits(settings.LOGIN_ATTEMPTS_PER_MINUTE, FOR_A_NAME)
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
        """Within the limits of the name, and of the address or the browser."""
        claim, now = _claim(door, scope, body), time.monotonic()
        if wait := self._names.wait(claim, now):
            metrics.LOG_INS.labels(door.name, "limited").inc()
            return Refusal.too_often(wait)
        attempt = self._attempts.take(claim.address, claim.device, now)
        if attempt is None:
            metrics.LOG_INS.labels(door.name, "limited").inc()
            return Refusal.too_many(self._attempts.wait(claim.address, now))
        answer = await self._place(scope, body, claim)
        outcome = answer.outcome if isinstance(answer, Refusal) else door.outcome(answer)
        if outcome == "succeeded":
            self._names.count_success(claim, time.monotonic())
        # Without a name it counts for the address: else it would count nowhere.
        if isinstance(answer, Refusal) or (outcome == "succeeded" and claim.name):
            self._attempts.give_back(attempt, time.monotonic())
        metrics.LOG_INS.labels(door.name, outcome).inc()
        return answer

    async def _place(self, scope: Any, body: IO[bytes], claim: Claim) -> "HttpResponse | Refusal":
        """One of the few places, if there is one."""
        if not self._names.has_place(claim):
            return Refusal.too_many_at_once()
        if self._taken >= (PLACES if claim.device else PLACES - FOR_KNOWN_DEVICES):
            return Refusal.busy()
        self._taken += 1
        metrics.PASSWORD_REQUESTS.set(self._taken)
        try:
            with self._names.place(claim):
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
        what = "too many log-ins were tried from your address"
        return cls._limited(what, seconds, "LOGIN_ATTEMPTS_PER_MINUTE is reached")

    @classmethod
    def too_often(cls, seconds: float) -> "Refusal":
        advice = "one name logs in twice LOGIN_ATTEMPTS_PER_MINUTE times a minute"
        return cls._limited("there were too many log-ins under this name", seconds, advice)

    @classmethod
    def too_many_at_once(cls) -> "Refusal":
        advice = f"{FOR_A_NAME} passwords of one name are hashed at a time"
        return cls._limited("other log-ins under this name are under way", BUSY_SECONDS, advice)

    @classmethod
    def _limited(cls, what: str, seconds: float, advice: str) -> "Refusal":
        whole = max(1, math.ceil(seconds))
        detail = f"{what}: wait {lasting(whole)} and try again"
        return cls("limited", 429, "rate-limited", detail, whole, advice)

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


def _claim(door: Door, scope: Any, body: IO[bytes]) -> Claim:
    address = scope["client"][0]
    if not door.is_log_in:
        return Claim(address)
    fields = dict(scope["headers"])
    start = body.read(LONGEST_FORM + 1)
    body.seek(0)
    cookies, media_type = (fields.get(name, b"").decode("latin-1") for name in (b"cookie", b"content-type"))
    return read_claim(address, cookies, media_type, start)
