"""Limits in number and time: handshakes per address, calls of the REST API per user or address."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class TokenBuckets:
    """Buckets by key, each refilled at `per_minute` and holding a minute's worth; 0 is no limit. Pure."""

    MOST_KEYS = 10_000

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, key: str, now: float) -> bool:
        """Take a token at `now` (seconds); False when there is none."""
        if not self._per_minute:
            return True
        tokens, before = self._buckets.get(key, (float(self._per_minute), now))
        tokens = min(float(self._per_minute), tokens + (now - before) * self._per_minute / 60)
        if tokens < 1:
            return False
        self._buckets[key] = (tokens - 1, now)
        if len(self._buckets) > self.MOST_KEYS:
            self._forget_full(now)
        return True

    def _forget_full(self, now: float) -> None:
        """A bucket untouched for a minute is full, and as good as none."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if now - bucket[1] < 60}


class CallThrottle(SimpleRateThrottle):
    """API_CALLS_PER_MINUTE per user, or per address for guests."""

    scope = "calls"

    def get_cache_key(self, request: Request, view: Any) -> str:
        user = request.user
        ident = str(user.pk) if user and user.is_authenticated and user.pk else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}
