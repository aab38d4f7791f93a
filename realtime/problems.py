"""Errors over HTTP: RFC 9457 `application/problem+json`, one shape for all of /api/."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.urls import resolve
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from realtime.asgi import Headers
from realtime.enforcement import BLOCKED
from realtime.ids import EXAMPLE, EXPECTED
from realtime.outages import is_away, log_away

MEDIA_TYPE = "application/problem+json"

# DRF's codes that differ from the words of our sockets.
CODES = {
    "not_authenticated": "unauthenticated",
    "authentication_failed": "unauthenticated",
    "permission_denied": "forbidden",
    "not_found": "not-found",
    "throttled": "rate-limited",
    "parse_error": "bad-request",
    "invalid": "bad-request",
    "method_not_allowed": "method-not-allowed",
    "not_acceptable": "not-acceptable",
    "unsupported_media_type": "unsupported-media-type",
    "error": "internal",
}
# Of what is wrong with a field.
FIELD_CODES = {"max_length": "too-long"}
AWAY = (
    "The database does not answer now: try again in a moment. Whether a write was saved is not known; "
    "with the same Idempotency-Key it may be sent again safely."
)
MOST_ERRORS = 20  # told of one request
LONGEST_NAME = 50  # characters that are shown of a name that a client has made up
LONGEST_PATH = 10  # parts between slashes
AWAY_SECONDS = 2  # what a client is asked to wait
RETRY_SOON: Headers = [(b"retry-after", str(AWAY_SECONDS).encode())]
FAULT = "Something failed here. It has been logged; what was saved before is safe."


class Unavailable(exceptions.APIException):
    """503: the database is away, or somebody has kept locked for too long what this needs."""

    status_code = 503
    default_code = "unavailable"
    default_detail = AWAY
    headers = {"Retry-After": str(AWAY_SECONDS)}


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The members of a problem: `code` is for programs, `detail` for people and says what to do."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **extra}


def exception_handler(failure: Exception, context: dict[str, Any]) -> Response | None:
    """As DRF's EXCEPTION_HANDLER. An exception may carry `extra` members and `headers`."""
    if isinstance(failure, Http404):
        failure = exceptions.NotFound()
    elif isinstance(failure, PermissionDenied):
        failure = exceptions.PermissionDenied()
    elif isinstance(failure, SuspiciousOperation):
        failure = exceptions.ParseError(_unreadable(failure))
    elif is_away(failure):
        log_away(context["request"].path, failure)
        failure = Unavailable()
    if not isinstance(failure, exceptions.APIException):
        return None
    members = problem(failure.status_code, _code(failure), _detail(failure), **getattr(failure, "extra", {}))
    if isinstance(failure, exceptions.ValidationError):
        members |= faults(_by_field(failure.detail))
    _answer_in_json(context["request"])
    return Response(members, failure.status_code, headers=_headers(failure), content_type=MEDIA_TYPE)


def faults(errors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The members of a problem that say what is wrong, by field: `errors` in sentences for people, and in the
    same order `codes` for programs.
    """
    told = _first(errors)
    codes = {name: [_code_of(each) for each in said] for name, said in told.items()}
    return {"errors": told, "codes": codes}


def _code_of(said: str) -> str:
    code = getattr(said, "code", "invalid")
    return FIELD_CODES.get(code, code.replace("_", "-"))


def _first(errors: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """MOST_ERRORS of the sentences, by field, and under `_` how many more there are."""
    told: dict[str, list[str]] = {}
    left = MOST_ERRORS
    for name, said in errors.items():
        some = said[:left]
        if some:
            told.setdefault(_clipped(name), []).extend(some)
        left -= len(some)
    more = sum(map(len, errors.values())) - MOST_ERRORS
    return {**told, "_": [*told.get("_", []), ErrorDetail(f"And {more} more.", "more")]} if more > 0 else told


def _clipped(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def respond(status: int, code: str, detail: str, **extra: Any) -> HttpResponse:
    """A problem as a Django response, for what DRF does not see."""
    return HttpResponse(orjson.dumps(problem(status, code, detail, **extra)), MEDIA_TYPE, status)


def answer_to(path: str, status: int, code: str, detail: str) -> tuple[bytes, str]:
    """The body and its media type: a problem for programs below /api/, a sentence for people elsewhere."""
    if path.startswith("/api/"):
        return orjson.dumps(problem(status, code, detail)), MEDIA_TYPE
    return f"{detail[0].upper()}{detail[1:]}.\n".encode(), "text/plain; charset=utf-8"


@csrf_exempt
def unknown_address(request: HttpRequest, rest: str = "") -> HttpResponse:
    """404 for any address below /api/ that is not there, or the way to the one that was meant."""
    path, told = request.path_info, f"there is nothing at {request.path}"
    if not path.endswith("/") and _is_known(f"{path}/"):
        if request.method in ("GET", "HEAD"):
            return HttpResponsePermanentRedirect(request.get_full_path(force_append_slash=True))
        return respond(404, "not-found", f"{told}: the address has a slash at the end, {request.path}/")
    if wrong := _no_id(path):
        return respond(404, "not-found", f"{told}: {wrong[:50]} is not an id, expected {EXPECTED}")
    return respond(404, "not-found", f"{told}: /api/docs/ lists what there is")


@csrf_exempt
def answered_elsewhere(request: HttpRequest, **ids: Any) -> HttpResponse:
    """Stands for a route of the gateway's own, which Django sees only where it is served without one."""
    return respond(404, "not-found", f"{request.path} is answered by `manage.py gateway` and runserver alone")


def _is_known(path: str) -> bool:
    return resolve(path).func is not unknown_address


def _no_id(path: str) -> str | None:
    """The part of the path where an id would make it an address of ours."""
    start, *parts = path.removeprefix("/api/").rstrip("/").split("/")
    for place, part in enumerate(parts[:LONGEST_PATH]):
        if _is_known("/".join(["/api", start, *parts[:place], EXAMPLE, *parts[place + 1 :], ""])):
            return part
    return None


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 while the database is away: JSON for programs, a plain sentence for people."""
    if request.path.startswith("/api/"):
        answer = respond(503, "unavailable", AWAY)
    else:
        sentence = "The database does not answer now: try again in a moment. What was saved before is safe."
        answer = HttpResponse(sentence, "text/plain; charset=utf-8", 503)
    answer.headers["Retry-After"] = str(AWAY_SECONDS)
    return answer


def blocked(request: HttpRequest) -> HttpResponse:
    """403 for a network that operators keep out."""
    body, media_type = answer_to(request.path, 403, "forbidden", BLOCKED)
    return HttpResponse(body, media_type, 403)


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """429 for whoever has asked for as many pages as one may in a time."""
    detail = f"too many pages were asked for: try again in {seconds} s"
    body, media_type = answer_to(request.path, 429, "rate-limited", detail)
    return HttpResponse(body, media_type, 429, headers={"Retry-After": str(seconds)})


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for what Django itself refuses before a view: a host name, too many fields, a broken form."""
    body, media_type = answer_to(request.path, 400, "bad-request", _unreadable(exception))
    return HttpResponse(body, media_type, 400)


def _unreadable(failure: Exception | None) -> str:
    if isinstance(failure, TooManyFieldsSent):
        return f"expected at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} parameters or fields"
    return "this request cannot be read"


class FaultPage(ExceptionReporter):
    """Django's page for developers, with DEBUG on. It shows every variable, and looks up what has not been
    read yet: while the database is away each of them would wait for it.
    """

    def get_traceback_html(self) -> SafeString:
        return SafeString(AWAY) if is_away(self.exc_value) else super().get_traceback_html()

    def get_traceback_text(self) -> SafeString:
        return SafeString(AWAY) if is_away(self.exc_value) else super().get_traceback_text()


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a fault of ours: JSON for programs, a plain sentence for people."""
    if request.path.startswith("/api/"):
        return respond(500, "internal", FAULT)
    return HttpResponse(FAULT, "text/plain; charset=utf-8", 500)


def _answer_in_json(request: Request) -> None:
    """Whatever else the view's renderers write: a page, YAML."""
    of_the_api: Any = api_settings.DEFAULT_RENDERER_CLASSES[0]
    request.accepted_renderer, request.accepted_media_type = of_the_api(), of_the_api.media_type


def _code(failure: exceptions.APIException) -> str:
    codes = failure.get_codes()
    code = codes if isinstance(codes, str) else failure.default_code
    return CODES.get(code, code)


def _detail(failure: exceptions.APIException) -> str:
    if isinstance(failure, exceptions.ValidationError):
        return "Some of what was sent does not hold: see errors."
    return str(failure.detail)


def _by_field(detail: Any) -> dict[str, list[Any]]:
    """A ValidationError's detail by field; what belongs to no field stands under `_`."""
    found = detail if isinstance(detail, dict) else {"non_field_errors": detail}
    return {
        ("_" if name == "non_field_errors" else str(name)): said if isinstance(said, list) else [said]
        for name, said in found.items()
    }


def _headers(failure: exceptions.APIException) -> dict[str, str]:
    headers = dict(getattr(failure, "headers", {}))
    wait = getattr(failure, "wait", None)
    if wait is not None:
        headers["Retry-After"] = str(max(1, int(wait)))  # whole seconds already, rounded up
    if failure.status_code == 401:
        headers["WWW-Authenticate"] = getattr(failure, "auth_header", None) or 'Bearer realm="devmentor"'
    return headers
