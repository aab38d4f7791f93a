"""The switches and limits in force."""

from dataclasses import dataclass

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Policy:
    """One snapshot. Windows and timeouts in seconds."""

    realtime: bool
    strict: bool
    require_auth: bool
    rate_limited: bool
    rate_window: float
    rate_max: int
    max_connections: int
    idle_timeout: float
    banner: str | None = None


def from_environment() -> Policy:
    """Strict mode brings required credentials and the rate limit with it."""
    return Policy(
        realtime=settings.ENABLE_REALTIME,
        strict=settings.STRICT_MODE,
        require_auth=settings.REQUIRE_AUTH or settings.STRICT_MODE,
        rate_limited=settings.RATE_LIMIT_ENABLED or settings.STRICT_MODE,
        rate_window=settings.RATE_LIMIT_WINDOW / 1000,
        rate_max=settings.RATE_LIMIT_MAX,
        max_connections=settings.MAX_CONNECTIONS,
        idle_timeout=settings.CONNECTION_TIMEOUT / 1000,
    )
