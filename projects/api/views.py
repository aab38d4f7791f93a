"""What all views share: who asks, the query, the domain's refusals as problems, idempotent writes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

import orjson
from rest_framework import status
from rest_framework.exceptions import APIException, NotAuthenticated, ParseError, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from projects import errors, events, limits, quotas, services
from projects.api.fields import StrictSerializer
from projects.api.preconditions import task_headers
from projects.models import IdempotencyKey, User
from projects.rooms import room_of
from realtime import eventlog
from realtime.rooms import Room

Handler = Callable[..., Response]

_KEY = re.compile(rf"[\x21-\x7e]{{1,{limits.IDEMPOTENCY_KEY}}}")
_KEPT_HEADERS = ("ETag", "Location")
_STATUSES: dict[type[errors.DomainError], int] = {
    errors.NotFound: status.HTTP_404_NOT_FOUND,
    errors.Forbidden: status.HTTP_403_FORBIDDEN,
    errors.Conflict: status.HTTP_409_CONFLICT,
    errors.VersionConflict: status.HTTP_412_PRECONDITION_FAILED,
    errors.KeyReused: status.HTTP_422_UNPROCESSABLE_ENTITY,
    errors.RateLimited: status.HTTP_429_TOO_MANY_REQUESTS,
}


class Refusal(APIException):
    """A domain error on its way to problem+json; `extra` and `headers` are added to the answer."""

    def __init__(self, refused: errors.DomainError) -> None:
        super().__init__(refused.message, refused.code)
        self.status_code = next(
            (code for kind, code in _STATUSES.items() if isinstance(refused, kind)),
            status.HTTP_400_BAD_REQUEST,
        )
        self.extra: dict[str, Any] = refused.facts
        self.headers: dict[str, str] = {}
        if isinstance(refused, errors.RateLimited):
            self.headers = {"Retry-After": str(refused.retry_after)}
        if isinstance(refused, errors.VersionConflict):
            self.extra = {"task": events.task(refused.task)}
            self.headers = task_headers(refused.task)


class DomainView(APIView):
    """Base of the project's views: translates, decides nothing."""

    given: dict[str, Any]  # of a write

    @property
    def actor(self) -> User:
        """The user who writes. Raises NotAuthenticated for a guest."""
        if not isinstance(self.request.user, User):
            raise NotAuthenticated("Log in to do this.", code="unauthenticated")
        return self.request.user

    @property
    def mutation_id(self) -> str | None:
        """The Idempotency-Key, which is also the `mutationId` of the events."""
        key = self.request.headers.get("Idempotency-Key")
        if key is not None and not _KEY.fullmatch(key):
            raise ParseError(
                f"Idempotency-Key is malformed: expected 1 to {limits.IDEMPOTENCY_KEY} visible ASCII "
                "characters."
            )
        return key

    def query(self, shape: type[StrictSerializer]) -> dict[str, Any]:
        """The address's query as keyword arguments. Raises ValidationError."""
        return _validated(shape, self.request.query_params.dict())

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """What one person may see is kept by nobody else, and not shown again unasked."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        answer["Cache-Control"] = "private, no-cache"
        return answer

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, errors.Invalid):
            exc = ValidationError({_wire_name(name): said for name, said in exc.fields.items()})
        elif isinstance(exc, errors.DomainError):
            exc = Refusal(exc)
        return super().handle_exception(exc)


def _validated(shape: type[StrictSerializer], data: Any) -> dict[str, Any]:
    serializer = shape(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def at_one_moment(handler: Handler) -> Handler:
    """A handler that looks at rights in one query and reads in the next: both see the same state."""

    @wraps(handler)
    def read(self: DomainView, request: Request, **ids: Any) -> Response:
        with eventlog.consistent_read():
            return handler(self, request, **ids)

    return read


def write(
    *, body: type[StrictSerializer] | None = None, query: type[StrictSerializer] | None = None
) -> Callable[[Handler], Handler]:
    """A handler that changes something: not for guests, once per Idempotency-Key, once per id of a new row.

    What the body and the query mean is in `self.given`, as a service's keyword arguments.

    With a key or an id, the change and what is kept of it are one transaction. A refusal rolls both back,
    so a refused request may be sent again under its key.
    """

    def of(handler: Handler) -> Handler:
        @wraps(handler)
        def checked(self: DomainView, request: Request, **ids: Any) -> Response:
            actor, key = self.actor, self.mutation_id
            self.given = {
                **(_validated(body, request.data) if body else {}),
                **(self.query(query) if query else {}),
            }
            with quotas.one_of_few(actor):
                if key is None and "id" not in self.given:
                    return handler(self, **ids)
                return _once(self, handler, ids, key, _fingerprint(request, ids, self.given))

        return checked

    return of


def _once(view: DomainView, handler: Handler, ids: dict[str, Any], key: str | None, asked: str) -> Response:
    """`asked`: the request's fingerprint."""
    change = eventlog.AllOrNothing()
    with change:
        if key is None:
            return _create_once(view, handler, ids, change, asked)
        claim, is_mine = services.idempotency_claim(user=view.actor, key=key, fingerprint=asked)
        if not is_mine:
            return _replay(claim)
        answer = _create_once(view, handler, ids, change, asked)
        _keep(view.actor, claim, change.rooms, answer)
    return answer


def _create_once(
    view: DomainView, handler: Handler, ids: dict[str, Any], change: eventlog.AllOrNothing, asked: str
) -> Response:
    """The handler's answer. Where its client has named a new row, the first one, under whatever key."""
    if "id" not in view.given:
        return handler(view, **ids)
    claim, is_mine = services.creation_claim(user=view.actor, id=view.given["id"], fingerprint=asked)
    if is_mine:
        answer = handler(view, **ids)
        services.creation_keep(claim=claim, change=change, headers=_kept_headers(answer))
        return answer
    assert claim.project_id is not None
    change.rooms.append(room_of(claim.project_id))
    return _replayed(services.creation_told(claim), status.HTTP_201_CREATED, claim.headers)


def _fingerprint(request: Request, ids: dict[str, Any], given: dict[str, Any]) -> str:
    """Of what is asked and not of its spelling: the route, its ids and the values that the service gets."""
    assert request.resolver_match is not None  # it has been routed here
    route = request.resolver_match.route
    asked = orjson.dumps([request.method, route, ids, given], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(asked).hexdigest()


def _keep(actor: User, claim: IdempotencyKey, written: list[Room], answer: Response) -> None:
    body = "" if answer.data is None else orjson.dumps(answer.data).decode()
    services.idempotency_keep(
        claim=claim,
        project_id=UUID(written[0].id) if written else None,
        status=answer.status_code,
        headers=_kept_headers(answer),
        body=body,
    )
    quotas.count_answer(actor, body)


def _kept_headers(answer: Response) -> dict[str, str]:
    return {name: answer[name] for name in _KEPT_HEADERS if name in answer}


def _replay(claim: IdempotencyKey) -> Response:
    assert claim.status is not None  # written with it
    return _replayed(orjson.loads(claim.body) if claim.body else None, claim.status, claim.headers)


def _replayed(data: Any, code: int, headers: dict[str, str]) -> Response:
    return Response(data, status=code, headers={**headers, "Idempotent-Replayed": "true"})
