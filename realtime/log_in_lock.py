"""The lock on a name after too many failed log-ins: what django-axes is told by its documented settings.

axes counts failures in the database, for all gateways, by name and address; LOGIN_FAILURE_LIMIT of them keep
that pair out for a quarter of an hour. A try that is refused is not counted, so it prolongs nothing.
A browser in which that user has logged in before is counted by itself, at half the limit: what neighbours
behind the same address do does not keep it out, and what is tried there keeps out nobody else.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.helpers import get_credentials
from axes.signals import user_locked_out
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from realtime import devices
from realtime.devices import Device
from realtime.rare_log import RareLog
from realtime.refusals import shown

Credentials = Mapping[str, Any] | None

_log = RareLog(logging.getLogger(__name__))


@dataclass(frozen=True, slots=True)
class Lock:
    """A name that is locked for a request's address or browser, and for how many seconds more."""

    seconds: int

    def __str__(self) -> str:
        return lasting(self.seconds)


def lasting(seconds: float) -> str:
    """A wait in words, never shorter than it is."""
    if seconds > 90:
        return f"{math.ceil(seconds / 60)} minutes"
    whole = max(1, math.ceil(seconds))
    return f"{whole} second{'' if whole == 1 else 's'}"


def lock_on(request: HttpRequest) -> Lock | None:
    """Why a log-in of this request was refused, if it was a lock."""
    return getattr(request, "log_in_lock", None)


def succeeded(request: HttpRequest, user: Any) -> None:
    """Somebody has logged in without a session: as `django.contrib.auth.login` tells it of one with."""
    devices.remember(request, user)
    if settings.AXES_ENABLED:
        credentials = get_credentials(user.get_username())
        AxesProxyHandler.get_implementation().reset_user_attempts(request, credentials)


# --- What axes asks ---------------------------------------------------------------------------------


def counted_name(request: HttpRequest, credentials: Credentials = None) -> str:
    """AXES_USERNAME_CALLABLE."""
    name, device = _name(request, credentials), _device(request, credentials)
    return name if device is None else f"{name} (browser {device.id})"


def failure_limit(request: HttpRequest, credentials: Credentials = None) -> int:
    """AXES_FAILURE_LIMIT."""
    limit: int = settings.LOGIN_FAILURE_LIMIT
    return limit if _device(request, credentials) is None else max(1, limit // 2)


def lockout_parameters(request: HttpRequest, credentials: Credentials = None) -> list[str | list[str]]:
    """AXES_LOCKOUT_PARAMETERS."""
    return [["username", "ip_address"]] if _device(request, credentials) is None else ["username"]


def lockout_answer(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Credentials = None
) -> HttpResponse:
    """AXES_LOCKOUT_CALLABLE: the view's own answer, which says what is wrong, as a 429."""
    answer = HttpResponse() if response is None else response
    answer.status_code = 429
    if (lock := lock_on(request)) is not None:
        answer.headers["Retry-After"] = str(lock.seconds)
    return answer


@receiver(user_locked_out)
def _note(request: HttpRequest, username: str, ip_address: str, **_: object) -> None:
    credentials = getattr(request, "axes_credentials", None)
    lock = Lock(math.ceil(_left(request, credentials).total_seconds()))
    request.log_in_lock = lock  # type: ignore[attr-defined]
    told = "log-ins as %s from %s are refused for %s: LOGIN_FAILURE_LIMIT is reached"
    _log.warning("locked", told, shown(str(username)), ip_address, lock)


def _left(request: HttpRequest, credentials: Credentials) -> timedelta:
    """Until so many of the failures are forgotten that a log-in may be tried again."""
    (attempts,) = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    rows = attempts.order_by("attempt_time").values_list("failures_since_start", "attempt_time")
    cool_off = timedelta(hours=settings.AXES_COOLOFF_TIME)
    counted, limit = sum(count for count, _ in rows), failure_limit(request, credentials)
    for count, at in rows:
        counted -= count
        if counted < limit:
            left: timedelta = at + cool_off - timezone.now()
            return max(timedelta(seconds=1), left)
    return cool_off


def _name(request: HttpRequest, credentials: Credentials) -> str:
    source = request.POST if credentials is None else credentials
    return str(source.get("username") or "")


def _device(request: HttpRequest, credentials: Credentials) -> Device | None:
    """Looked up once for a request, which axes asks about many times."""
    name = _name(request, credentials)
    found: dict[str, Device | None] = request.__dict__.setdefault("known_devices", {})
    if name not in found:
        found[name] = devices.known_to(request, name) if devices.COOKIE in request.COOKIES else None
    return found[name]
