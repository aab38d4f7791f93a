"""Limits in number and time: handshakes per address, calls of the REST API and pages per user or address."""

import math
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from realtime import metrics, problems
from realtime.networks import SITE_FACTOR, counted_as, counted_networks
from realtime.quotas import TokenBuckets
from realtime.refusals import note, shown


class AddressBuckets:
    """The same for addresses, as `counted_networks` counts them; 0 is no limit."""

    def __init__(self, per_minute: int) -> None:
        self._of_factor = {factor: TokenBuckets(per_minute * factor) for factor in (1, SITE_FACTOR)}

    def __len__(self) -> int:
        return sum(map(len, self._of_factor.values()))

    def take(self, address: str, now: float) -> bool:
        """Take a token at `now` (seconds); False when there is none."""
        return all(self._of_factor[factor].take(key, now) for key, factor in counted_networks(address))

    def give_back(self, address: str, now: float) -> None:
        """Undo a take."""
        for key, factor in counted_networks(address):
            self._of_factor[factor].give_back(key, now)

    def wait(self, address: str, now: float) -> float:
        """In how many seconds from `now` there will be a token."""
        networks = counted_networks(address)
        return max(self._of_factor[factor].wait(key, now) for key, factor in networks)


class CallLimit:
    """API_CALLS_PER_MINUTE for each user and service, and for the guests of each address."""

    def __init__(self, per_minute: int) -> None:
        self._of_callers = TokenBuckets(per_minute)
        self._of_guests = AddressBuckets(per_minute)

    def refused(self, caller: str | None, address: str) -> float | None:
        """Count a call. None, or in how many seconds to call again.

        caller: what stands for a user or a service; None for a guest
        """
        now = time.monotonic()
        found: TokenBuckets | AddressBuckets = self._of_callers if caller else self._of_guests
        key = caller or address
        if found.take(key, now):
            return None
        metrics.LIMIT_REFUSALS.labels("API_CALLS_PER_MINUTE").inc()
        note("calls", f"a call or page of {shown(key)}", "API_CALLS_PER_MINUTE is reached")
        return found.wait(key, now)


CALLS = CallLimit(settings.API_CALLS_PER_MINUTE)


class CallThrottle(BaseThrottle):
    """Holds REST calls to CALLS.

    DRF asks throttles last: a call whose credentials do not hold, or that may not be made, ends before. Those
    are counted by `exception_handler`, as a guest's.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        request.is_counted = True  # type: ignore[attr-defined]  # seen by `exception_handler`
        self._wait = CALLS.refused(_caller(request), _address(request))
        return self._wait is None

    def wait(self) -> float | None:
        return self._wait


class PageThrottleMiddleware:
    """Holds pages to CALLS as well: each takes a thread and some queries, as a call does.

    Not the log-in, which has limits of its own, nor the admin, by which operators mend what is wrong. REST
    calls are held by `CallThrottle`, and what the loop answers by itself does not come here.
    """

    OTHERS = ("/api/", "/admin/", "/login", "/logout", settings.STATIC_URL)

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(self.OTHERS):
            wait = CALLS.refused(_caller(request), _address(request))
            if wait is not None:
                return problems.too_many(request, math.ceil(wait))
        return self.get_response(request)


def exception_handler(failure: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: that of `realtime.problems`, with calls counted that no throttle has seen."""
    request = context["request"]
    if not getattr(request, "is_counted", False):
        wait = CALLS.refused(None, _address(request))
        failure = failure if wait is None else exceptions.Throttled(wait)
    return problems.exception_handler(failure, context)


def counted_address(request: HttpRequest | Request) -> str:
    """The address under which a request is counted; axes counts failed log-ins by it."""
    return counted_as(_address(request))


def _address(request: HttpRequest | Request) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def user_caller(user_id: str) -> str:
    """What stands for a user where calls are counted."""
    return f"user {user_id}"


def _caller(request: HttpRequest | Request) -> str | None:
    """What stands for who calls: a user, or a service, which has a name and no row; None for a guest."""
    user: Any = request.user
    if not (user and user.is_authenticated):
        return None
    return user_caller(str(user.pk)) if user.pk else f"service {user.name}"
