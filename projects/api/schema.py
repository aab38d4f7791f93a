"""How the views describe themselves in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from projects import limits
from projects.api import answers
from projects.api.pagination import DEFAULT_LIMIT, MAX_LIMIT

PROBLEM = "application/problem+json"
# A public project needs none of them to be read.
_ALSO_GUESTS: list[dict[str, list[str]]] = [{"bearer": []}, {"cookie": []}, {}]

_REFUSALS = {
    400: "Something in the request is not as it must be; `errors` says what, by field.",
    401: "Log in first, or the token no longer holds.",
    403: "Your role in the project does not allow this.",
    404: "There is nothing here, or it is a project you may not see.",
    409: "The present state does not allow this; `code` names the rule.",
    412: "The task is at another version than If-Match asks for, or at one of If-None-Match; `task` is the "
    "present one.",
    422: "This Idempotency-Key was used for another request.",
}
_HEADERS = {
    "ETag": 'For a task its version in quotes, like `"3"`; for a board the state it shows.',
    "Location": "The address of what was created.",
    "Idempotent-Replayed": "`true` where this is the answer to an earlier request with the same key or id.",
}

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    pattern=rf"^[!-~]{{1,{limits.IDEMPOTENCY_KEY}}}$",
    description="The same request under the same key again, however it is spelt, gives the first answer and "
    "changes nothing, or 404 where you may not see the project any more; another request is refused by 422. "
    "The event carries the key as `mutationId`.",
)
IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description='Do it only at this version: `"3"`, a list, or `*`.'
)
UNLESS = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="Do it only at none of these versions."
)
CONDITIONS = (IF_MATCH, UNLESS)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, description="The ETag one has; 304 where it still holds."
)
MOVE_TO = OpenApiParameter(
    "moveTo", OpenApiTypes.UUID, description="The column that gets the tasks; needed where there are any."
)
INCLUDE = OpenApiParameter(
    "include", str, enum=["commentCounts"], description="Adds how many comments each task has."
)
NAMED = OpenApiParameter(
    "q",
    {"type": "string", "maxLength": limits.NAME},
    description="Words that the name contains. A page may have fewer than `limit` and still a `next`: a "
    "search looks at 5,000 public projects at a time.",
)
PAGE = (
    OpenApiParameter(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        description="How many at the most.",
    ),
    OpenApiParameter("cursor", str, description="From `next`; unchanged."),
)


class StrictSerializerExtension(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says of each request body that it takes no other keys."""

    target_class = "projects.api.fields.StrictSerializer"
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: Any) -> dict[str, Any]:
        found = auto_schema._map_serializer(  # type: ignore[no-untyped-call]  # noqa: SLF001 - as its own do
            self.target, direction, bypass_extensions=True
        )
        return {**found, "additionalProperties": False}


def reads(
    operation_id: str,
    summary: str,
    shape: Any,
    *,
    parameters: Iterable[OpenApiParameter] = (),
    headers: Iterable[str] = (),
    refusals: Iterable[int] = (400, 401, 404),
    unchanged: bool = False,
    guests: bool = True,
) -> Any:
    """Describes a GET. `unchanged`: it may answer 304. `guests`: it may be asked without credentials."""
    responses = {200: OpenApiResponse(shape), **_problems(refusals)}
    if unchanged:
        responses[304] = OpenApiResponse(description="What If-None-Match names still holds.")
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{summary}.",
        auth=_ALSO_GUESTS if guests else None,  # type: ignore[arg-type]  # annotated as of str alone
        parameters=[*parameters, *_answer_headers(headers, [200])],
        responses=responses,
    )


def lists(
    operation_id: str,
    summary: str,
    shape: type[answers.Shape],
    *,
    parameters: Iterable[OpenApiParameter] = (),
    **told: Any,
) -> Any:
    """Describes a GET of `{results, next}`."""
    return reads(operation_id, summary, answers.page_of(shape), parameters=[*parameters, *PAGE], **told)


def writes(
    operation_id: str,
    summary: str,
    status: int,
    shape: Any = None,
    *,
    body: Any = None,
    example: dict[str, Any] | None = None,
    parameters: Iterable[OpenApiParameter] = (),
    headers: Iterable[str] = (),
    refusals: Iterable[int] = (),
) -> Any:
    """Describes a POST, PATCH or DELETE, each of which may carry an Idempotency-Key.

    The one by which a project was made, too, is 404 once its sender may not see that project any more.
    """
    headers = [*headers, *(["Location"] if status == 201 else []), "Idempotent-Replayed"]
    examples = [OpenApiExample(summary, example, request_only=True)] if example else []
    answer = OpenApiResponse(shape, description="" if shape else "Done.")
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        description=f"{summary}.",
        request=body,
        parameters=[IDEMPOTENCY_KEY, *parameters, *_answer_headers(headers, [status])],
        responses={status: answer, **_problems({400, 401, 403, 404, 409, 422, *refusals})},
        examples=examples,
    )


def _problems(statuses: Iterable[int]) -> dict[Any, Any]:
    shapes = {409: answers.Conflict, 412: answers.VersionConflict}
    return {
        (status, PROBLEM): OpenApiResponse(shapes.get(status, answers.Problem), _REFUSALS[status])
        for status in sorted(statuses)
    }


def _answer_headers(names: Iterable[str], statuses: list[int]) -> list[OpenApiParameter]:
    return [
        OpenApiParameter(name, str, OpenApiParameter.HEADER, response=statuses, description=_HEADERS[name])
        for name in names
    ]
