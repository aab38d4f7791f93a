"""Limits on calls of the REST API, per user or per address."""

from typing import Any

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle


class CallThrottle(SimpleRateThrottle):
    """API_CALLS_PER_MINUTE per user, or per address for guests."""

    scope = "calls"

    def get_cache_key(self, request: Request, view: Any) -> str:
        user = request.user
        ident = str(user.pk) if user and user.is_authenticated and user.pk else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": ident}
