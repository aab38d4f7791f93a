"""What every request passes: a database that is away, networks that are blocked, a page's own policy."""

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.utils.http import escape_leading_slashes
from django_structlog.middlewares import RequestMiddleware

from realtime import database_clock, problems, refusals, rules
from realtime.outages import is_away, log_away
from realtime.quotas import TokenBuckets
from realtime.refusals import clipped
from realtime.transport import own_url, websocket_url

# Of requests that are refused with the same status, a minute; strangers decide how many there are.
REFUSED_LINES = 60


class RequestLogMiddleware(RequestMiddleware):
    """django-structlog's, with the address that all else goes by, without outages as errors, and with a bound
    on the lines that refused requests write.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        super().__init__(get_response)
        self._lines = TokenBuckets(REFUSED_LINES)
        self._omitted: Counter[str] = Counter()

    def prepare(self, request: HttpRequest) -> None:
        """What the client calls its request is in each line that is written for it."""
        super().prepare(request)
        bound = structlog.contextvars.get_contextvars()
        ids = {name: clipped(bound[name]) for name in ("request_id", "correlation_id") if name in bound}
        structlog.contextvars.bind_contextvars(**ids)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        status = str(response.status_code)
        if status.startswith("4"):
            if not self._lines.take(status, time.monotonic()):
                self._omitted[status] += 1
                structlog.contextvars.clear_contextvars()
                return
            if omitted := self._omitted.pop(status, 0):
                structlog.contextvars.bind_contextvars(omitted=omitted)
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return clipped(f"{request.method} {request.get_full_path()}")

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        structlog.contextvars.bind_contextvars(ip=request.META.get("REMOTE_ADDR", ""))

    def _process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """An outage is no request that failed: it has a line of its own, and is answered by a 503."""
        if not is_away(exception):
            super()._process_exception(request, exception)


class SocketSourceMiddleware:
    """Adds the gateway to `connect-src` of HTML answers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.headers.get("content-type", "").startswith("text/html"):
            with suppress(DisallowedHost):  # the 400 page that says so opens no socket
                of_the_view = getattr(response, "_csp_update", None) or {}
                sources = {"connect-src": self._sources(request), **of_the_view}
                response._csp_update = sources  # type: ignore[attr-defined]
        return response

    def _sources(self, request: HttpRequest) -> list[str]:
        addresses = map(urlsplit, (websocket_url(request), own_url(request)))
        return list(dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in addresses))


class WriteRedirectMiddleware:
    """308 where Django redirects a write by 301: to https, and to an address with or without its slash.

    After a 301 clients ask again with GET, and take what that reads for the answer to their write.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 301 and request.method not in ("GET", "HEAD"):
            response.status_code = 308
        return response


class SlashMiddleware(CommonMiddleware):
    """Django's own, which refuses with DEBUG on, by a 500, to redirect a write: here a write stays one."""

    def get_full_path_with_slash(self, request: HttpRequest) -> str:
        return escape_leading_slashes(request.get_full_path(force_append_slash=True))


class BlockedNetworkMiddleware:
    """403 for whoever is at an address that operators keep out.

    The log-in page and the admin stay open: who has blocked their own network must be able to lift that.
    """

    OPEN = ("/admin/", "/login", "/logout", settings.STATIC_URL)

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(self.OPEN):
            address = request.META.get("REMOTE_ADDR", "")
            if rules.known().blocked.find(address, database_clock.now()) is not None:
                refusals.note_blocked(address)
                return problems.blocked(request)
        return self.get_response(request)


class DatabaseAwayMiddleware:
    """503 and a word to the wise where Django would answer 500 because the database does not answer.

    What a view raises comes to `process_exception`. What another middleware raises, a session's for
    example, is a 500 by the time it is seen here: the signal tells why.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_note, dispatch_uid="database away")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 500 and getattr(request, "database_away", False):
            answer = problems.unavailable(request)
            response.status_code, response.content = answer.status_code, answer.content
            answer.headers["Content-Length"] = str(len(answer.content))
            for name, value in answer.items():  # the others' headers, those for CORS too, stay
                response.headers[name] = value
        return response

    def process_exception(self, request: HttpRequest, failure: Exception) -> HttpResponse | None:
        if not is_away(failure):
            return None
        log_away(request.path, failure)
        return problems.unavailable(request)


def _note(sender: object, request: HttpRequest | None = None, **_: object) -> None:
    if request is not None and is_away(sys.exc_info()[1]):
        request.database_away = True  # type: ignore[attr-defined]
