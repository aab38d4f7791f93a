"""Puts into the OpenAPI document what its views do not know: refusals before them, the polling of events."""

from typing import Any

from django.conf import settings
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from realtime.bodies import MAX_BODY_BYTES
from realtime.expected_user import HEADER
from realtime.request_heads import MAX_HEAD_BYTES, MAX_TARGET_BYTES


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = "realtime.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class ServiceScheme(BearerScheme):
    target_class = "realtime.authentication.ServiceAuthentication"
    name = "service"


class CookieScheme(OpenApiAuthenticationExtension):
    target_class = "realtime.authentication.CookieAuthentication"
    name = "cookie"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}


# What any request may be answered before its route is known.
BY_SERVER = {
    408: "The head or the body of the request did not come in time.",
    413: f"The body has more than {MAX_BODY_BYTES} bytes.",
    414: f"The address has more than {MAX_TARGET_BYTES} bytes.",
    415: "The body's media type, encoding or charset is not read.",
    431: f"The headers are too many, or have more than {MAX_HEAD_BYTES} bytes with the address.",
    501: "Of the transfer codings only `chunked` is read.",
    505: "Of HTTP only 1.1 and 1.0 are read.",
}
# What may be answered before a view is asked, or in its place.
ON_THE_WAY = {
    **BY_SERVER,
    400: "Something in the request is not as it must be.",
    403: "Operators keep your network out.",
    503: "The database does not answer now: `Retry-After` says when to ask again.",
}
BY_DRF = {
    406: "Answers are `application/json`, which Accept does not allow.",
    429: "Too many calls or changes: `Retry-After` says when to go on.",
}
# Of writes.
NO_VERSION = {
    412: "If-Match names a version, or If-None-Match is `*`: what is written here has no versions.",
}
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
EXPECTED_USER = {
    "in": "header",
    "name": HEADER,
    "schema": {"type": "string", "format": "uuid"},
    "description": "The user whom the write is meant for: 409 `other-user` for any other log-in, before "
    "anything is done.",
}

PARAMETERS = [
    (
        "since",
        "The seq you have; events after it are given.",
        {"type": "integer", "minimum": 0, "default": 0},
    ),
    (
        "limit",
        "How many events at the most.",
        {"type": "integer", "minimum": 1, "maximum": 1000, "default": 500},
    ),
    (
        "wait",
        "Long polling: how many milliseconds the answer may be held until there is an event.",
        {"type": "integer", "minimum": 0, "maximum": 30000, "default": 0},
    ),
]
EVENT = {
    "type": "object",
    "required": ["event", "projectId", "seq", "at", "actor", "mutationId", "data"],
    "properties": {
        "event": {"type": "string", "examples": ["task:moved"]},
        "projectId": {"type": "string", "format": "uuid"},
        "seq": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "actor": {
            "type": ["object", "null"],
            "properties": {"id": {"type": ["string", "null"]}, "name": {"type": "string"}},
        },
        "mutationId": {"type": ["string", "null"]},
        "data": {"type": "object"},
    },
}
PAGE = {
    "type": "object",
    "required": ["seq", "events", "more", "pollAfterMs"],
    "properties": {
        "seq": {"type": "integer", "description": "The cursor to go on from"},
        "events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
        "more": {"type": "boolean", "description": "There are later events: ask again at once"},
        "pollAfterMs": {"type": "integer", "description": "How long to wait before the next poll"},
    },
}


def add_expected_user(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS, before `add_refusals`. Writes by a log-in take the header."""
    for operations in result["paths"].values():
        for method, operation in operations.items():
            if method != "get" and operation.get("security"):
                operation.setdefault("parameters", []).append(EXPECTED_USER)
                operation["responses"].setdefault(
                    "409", {"description": "`other-user`: it is meant for another log-in."}
                )
    return result


def add_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS, before `add_event_routes`. Each is described once, for all."""
    result.setdefault("components", {})["responses"] = {
        _shared_name(status): {"description": description, "content": PROBLEM}
        for status, description in sorted({**ON_THE_WAY, **BY_DRF, **NO_VERSION}.items())
    }
    for operations in result["paths"].values():
        for method, operation in operations.items():
            of_writes = NO_VERSION if method != "get" and operation.get("security") else {}
            _add(operation, {**ON_THE_WAY, **BY_DRF, **of_writes})
    return result


def _add(operation: dict[str, Any], refusals: dict[int, str]) -> None:
    """Name them where the operation does not describe them itself; each refusal is a problem."""
    answers = operation["responses"]
    for status, answer in answers.items():
        if status >= "400":
            answer.setdefault("content", PROBLEM)
    for status in refusals:
        answers.setdefault(str(status), {"$ref": f"#/components/responses/{_shared_name(status)}"})
    operation["responses"] = dict(sorted(answers.items()))


def _shared_name(status: int) -> str:
    return f"Refused{status}"


def add_event_routes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS."""
    result.setdefault("components", {}).setdefault("schemas", {}).update({"Event": EVENT, "EventPage": PAGE})
    operation = _operation()
    _add(operation, {**ON_THE_WAY, 429: BY_DRF[429]})
    result["paths"]["/api/projects/{id}/events/"] = {"get": operation}
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _operation() -> dict[str, Any]:
    in_query = [{"name": n, "in": "query", "description": d, "schema": s} for n, d, s in PARAMETERS]
    room = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
    tag = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/EventPage"}}}
    return {
        "operationId": "projects_events_list",
        "tags": ["projects"],
        "description": "The events of a project after `since`, in order: polling and long polling.",
        "parameters": [room, *in_query, tag],
        "security": [{"bearer": []}, {"cookie": []}, {}],
        "responses": {
            "200": {"description": "Events, perhaps none", "content": content},
            "304": {"description": "Nothing new since the ETag that was sent"},
            "400": {"description": "A parameter does not hold"},
            "401": {"description": "Credentials do not hold"},
            "403": {
                "description": "Operators keep your network out, or have ended this poll: see `Retry-After`"
            },
            "404": {"description": "No such project, or one that you may not see"},
            "410": {"description": "`history-trimmed`: load the board again"},
        },
    }
