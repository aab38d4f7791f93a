"""Pages of other origins over HTTP: what they may read, and what they may write with a user's cookie.

Django and django-cors-headers compare texts. Here an origin is compared as everywhere, whatever its spelling.
"""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from corsheaders.middleware import (
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    CorsMiddleware,
)
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.authentication import CSRFCheck

from realtime import origins
from realtime.asgi import Headers


def headers(scope: dict[str, Any]) -> Headers:
    """Leave to read an answer of an ASGI application, as `CrossOriginMiddleware` gives it for Django's."""
    sent = dict(scope["headers"]).get(b"origin")
    if sent is None or not origins.allowed(sent.decode("latin-1"), settings.CORS_ORIGINS):
        return []
    found = [
        (ACCESS_CONTROL_ALLOW_ORIGIN.encode(), sent),
        (b"access-control-expose-headers", ", ".join(settings.CORS_EXPOSE_HEADERS).encode()),
    ]
    if origins.takes_cookies(sent.decode("latin-1")):
        found.append((ACCESS_CONTROL_ALLOW_CREDENTIALS.encode(), b"true"))
    return found


def refusal_headers(path: str, asked: Headers) -> Headers:
    """The same of a refusal before any application is asked: for pages that call the API.

    asked: headers of the request, as far as they have come
    """
    if not path.startswith("/api/"):
        return []
    return [(b"vary", b"Origin"), *headers({"headers": asked})]


def is_preflight(scope: dict[str, Any]) -> bool:
    """Whether a browser asks what a page of another origin may send; `CrossOriginMiddleware` answers it."""
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in dict(scope["headers"])


class CrossOriginMiddleware(CorsMiddleware):
    """Leave for the pages in CORS_ORIGIN, without cookies for those that anybody may have written."""

    def origin_found_in_white_lists(self, origin: str, url: SplitResult) -> bool:
        return origins.allowed(origin, settings.CORS_ORIGINS)

    def add_response_headers(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        super().add_response_headers(request, response)
        if not origins.takes_cookies(response.headers.get(ACCESS_CONTROL_ALLOW_ORIGIN, "")):
            del response.headers[ACCESS_CONTROL_ALLOW_CREDENTIALS]
        return response


class _ByOrigin(CsrfViewMiddleware):
    """Takes pages of listed origins and of the server's own: by Origin, else by Referer."""

    def _origin_verified(self, request: HttpRequest) -> bool:
        return _may_write(request, request.META["HTTP_ORIGIN"])

    def _check_referer(self, request: HttpRequest) -> None:
        referer = urlsplit(request.META.get("HTTP_REFERER", "")) if _readable(request) else None
        if referer and referer.scheme == "https" and _may_write(request, f"https://{referer.netloc}"):
            return
        super()._check_referer(request)  # type: ignore[misc]  # says what is wrong with it


class CsrfMiddleware(_ByOrigin):
    """For pages and forms."""


class ApiCsrfCheck(_ByOrigin, CSRFCheck):
    """For calls of the API that a cookie authenticates."""

    @classmethod
    def reason(cls, request: Any) -> str | None:
        """Why a call is refused; None where it is not."""
        check = cls(lambda _: HttpResponse())
        check.process_request(request)
        return check.process_view(request, lambda _: HttpResponse(), (), {})  # type: ignore[return-value]


def _readable(request: HttpRequest) -> bool:
    try:
        urlsplit(request.META.get("HTTP_REFERER", ""))
    except ValueError:
        return False
    return True


def _may_write(request: HttpRequest, origin: str) -> bool:
    try:
        own = f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        own = None
    return origins.allowed(origin, settings.CSRF_TRUSTED_ORIGINS, own)
