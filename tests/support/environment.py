"""The environment of everything the tests start: explicit, so that nobody's shell or `.env.local` counts."""

import os
from collections.abc import Mapping

# Each variable that the outside contract names. An empty one counts as unset and hides what a file says.
NAMES = (
    *("PORT", "WEB_PORT", "REDIS_URL", "DATABASE_URL", "DEBUG", "LOG_FILE"),
    *("SECRET_KEY", "JWT_SECRET", "JWT_SECRET_PREVIOUS", "ALLOWED_HOSTS", "TRUSTED_PROXIES"),
    *("CORS_ORIGIN", "PUBLIC_WEBSOCKET_URL", "SECURE_SSL_REDIRECT", "ADMIN_NETWORKS", "METRICS_NETWORKS"),
    *("ONCALL_WEBHOOK_URL", "ONCALL_ROUTING_KEY"),
    *(
        "MAX_CONNECTIONS",
        "MAX_HELD_POLLS",
        "MAX_PLAIN_CONNECTIONS",
        "MAX_PLAIN_CONNECTIONS_PER_ADDRESS",
        "CONNECTIONS_KEPT_FOR_USERS",
        "CONNECTION_TIMEOUT",
        "DRAIN_WINDOW",
    ),
    *("MAX_CONNECTIONS_PER_USER", "MAX_CONNECTIONS_PER_ADDRESS", "MAX_GUESTS_PER_ADDRESS"),
    *("RATE_LIMIT_ENABLED", "RATE_LIMIT_WINDOW", "RATE_LIMIT_MAX"),
    *("STRICT_MODE", "REQUIRE_AUTH", "ENABLE_REALTIME"),
    *("NEXT_PUBLIC_ENABLE_REALTIME", "NEXT_PUBLIC_WEBSOCKET_URL", "NEXT_PUBLIC_MOCK_MODE"),
)
SECRETS = {
    "JWT_SECRET": "signs the tokens of the tests and of nothing else",
    "SECRET_KEY": "signs the sessions of the tests and of nothing else",
}
# For a few people at one address who play a crowd.
NO_LIMITS = {
    "HANDSHAKES_PER_MINUTE": "0",
    "API_CALLS_PER_MINUTE": "0",
    "MAX_HELD_POLLS": "0",
    "MAX_PLAIN_CONNECTIONS": "0",
    "MAX_CONNECTIONS_PER_USER": "0",
    "MAX_GUESTS_PER_ADDRESS": "0",
    "CONNECTIONS_KEPT_FOR_USERS": "0",
}
# What a process needs of the machine, beside ours.
_MACHINE = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """A whole environment: the machine's few variables, the tests' secrets, `settings`, the rest unset."""
    machine = {name: os.environ[name] for name in _MACHINE if name in os.environ}
    return {
        **machine,
        **dict.fromkeys(NAMES, ""),
        **SECRETS,
        "DJANGO_SETTINGS_MODULE": "devmentor.settings",
        "DEBUG": "true",
        "DRAIN_WINDOW": "500",
        # The tests are a few people at one address, who do in a minute what no honest client does.
        "LOGIN_ATTEMPTS_PER_MINUTE": "0",
        "LOGIN_FAILURE_LIMIT": "0",
        "HANDSHAKES_PER_MINUTE": "0",
        "API_CALLS_PER_MINUTE": "0",
        # The same few people make the boards and the changes of all tests, trials and benchmarks.
        "MAX_BOARDS_PER_USER": "0",
        "MAX_BOARDS_BY_OTHERS_PER_USER": "0",
        "WRITES_PER_MINUTE": "0",
        "LOG_BYTES_PER_HOUR": "0",
        "UNKNOWN_NAMES_PER_HOUR": "0",
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default",
        **settings,
    }
