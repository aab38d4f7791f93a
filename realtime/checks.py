"""System checks: set-ups that start, but not as one may think."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register()
def mock_mode_is_gone(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    if not settings.MOCK_MODE:
        return []
    return [
        checks.Warning(
            "NEXT_PUBLIC_MOCK_MODE is true, but there is no mock mode: real data are served.",
            hint="Take it out of .env.local; `make run` gives a database with demo data.",
            id="realtime.W001",
        )
    ]


@checks.register()
def several_gateways_need_a_server_database(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    if not settings.REDIS_URLS or "sqlite3" not in settings.DATABASES["default"]["ENGINE"]:
        return []
    return [
        checks.Warning(
            "REDIS_URL is set, but the database is SQLite: gateways on other machines cannot share it.",
            hint="Set DATABASE_URL to a PostgreSQL.",
            id="realtime.W002",
        )
    ]


@checks.register()
def nobody_says_that_it_was_https(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    if not settings.SECURE_SSL_REDIRECT or settings.TRUSTED_PROXIES:
        return []
    return [
        checks.Warning(
            "SECURE_SSL_REDIRECT is on and TRUSTED_PROXIES is empty: behind a proxy that speaks TLS each "
            "page is redirected to itself without end.",
            hint="Name the proxy's network in TRUSTED_PROXIES, and let it send X-Forwarded-Proto.",
            id="realtime.W004",
        )
    ]


@checks.register()
def service_links_are_no_settings(app_configs: Any, **_: Any) -> list[checks.CheckMessage]:
    if not settings.IGNORED_SERVICE_LINKS:
        return []
    found = ", ".join(f"{name}={value}" for name, value in settings.IGNORED_SERVICE_LINKS.items())
    return [
        checks.Warning(
            f"{found}: what Kubernetes sets for a service of that name is no setting, and is ignored.",
            hint="Set enableServiceLinks: false in the pod's spec, or give the variable a value of your own.",
            id="realtime.W003",
        )
    ]
