"""The REST views that belong to no domain: tokens, the choice of transport, publishing by other services."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    inline_serializer,
)
from rest_framework import exceptions, serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from realtime import (
    eventlog,
    log_in_lock,
    metrics,
    problems,
    protocol,
    refusals,
    rules,
    token_families,
    tokens,
)
from realtime.authentication import NotAuthenticated, ServiceAuthentication
from realtime.bounded_json import same_value
from realtime.eventlog import Actor, UnknownRoom
from realtime.log_in_lock import Lock
from realtime.log_ins import user_of
from realtime.rooms import Room, RoomKind
from realtime.tokens import TokenError, TokenType
from realtime.transport import describe

PROBLEM = OpenApiResponse(description="application/problem+json; `code` says what was wrong")
ASYNCAPI = Path(__file__).with_name("asyncapi.yaml")
KEY = re.compile(r"[\x21-\x7e]{1,200}")
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    pattern="^[!-~]{1,200}$",
    description="What was sent under it once is not sent again, and another event is refused with 422; the "
    "event carries it as `mutationId`.",
)
IDEMPOTENT_REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    str,
    OpenApiParameter.HEADER,
    response=[201],
    description="`true` where the event was in the log already, under the same key.",
)
TOKENS = inline_serializer("Tokens", {"access": serializers.CharField(), "refresh": serializers.CharField()})


class Locked(exceptions.APIException):
    """429: too many log-ins failed."""

    status_code = 429
    default_code = "rate-limited"

    def __init__(self, lock: Lock) -> None:
        super().__init__(f"Too many log-ins failed for this name: wait {lock}.")
        self.headers = {"Retry-After": str(lock.seconds)}


class Credentials(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=4096, trim_whitespace=False)


class Refresh(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=tokens.MAX_TOKEN_LENGTH)


class TokenView(APIView):
    """Log in with a name and a password; the access token lives 15 minutes."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        request=Credentials, responses={200: TOKENS, 400: PROBLEM, 401: PROBLEM, 429: PROBLEM}, auth=[]
    )
    def post(self, request: Request) -> Response:
        asked = Credentials(data=request.data)
        asked.is_valid(raise_exception=True)
        user = authenticate(request._request, **asked.validated_data)
        if user is None:
            if (lock := log_in_lock.lock_on(request._request)) is not None:
                raise Locked(lock)
            raise NotAuthenticated("No active user has that name and password.")
        log_in_lock.succeeded(request._request, user)
        return Response(token_families.begin(user))


class TokenRefreshView(APIView):
    """A new pair for a refresh token, which is used up by that: the new one takes its place.

    The same token again within ten seconds is given the same successor. Later, it ends the log-in: somebody
    else may have it.
    """

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=Refresh, responses={200: TOKENS, 400: PROBLEM, 401: PROBLEM}, auth=[])
    def post(self, request: Request) -> Response:
        asked = Refresh(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            claims = tokens.verify(asked.validated_data["refresh"], TokenType.REFRESH)
            return Response(token_families.renew(claims, user_of(claims)))
        except TokenError as error:
            metrics.AUTH_FAILURES.labels(error.reason).inc()
            raise NotAuthenticated(str(error)) from None


class TokenEndView(APIView):
    """Log out: the refresh token's log-in ends, with all its tokens and open sockets, within two seconds.

    A token that does not hold any more is answered in the same way.
    """

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(request=Refresh, responses={204: None, 400: PROBLEM}, auth=[])
    def post(self, request: Request) -> Response:
        asked = Refresh(data=request.data)
        asked.is_valid(raise_exception=True)
        with suppress(TokenError):
            token_families.end(tokens.verify(asked.validated_data["refresh"], TokenType.REFRESH))
        return Response(status=204)


UNREACHABLE = OpenApiParameter(
    "unreachable", description="where a page could not open a socket: operators read it"
)


class RealtimeView(APIView):
    """What a client needs to choose its transport."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        parameters=[UNREACHABLE],
        responses=inline_serializer(
            "Realtime",
            {
                "realtime": serializers.BooleanField(),
                "websocketUrl": serializers.CharField(),
                "pollIntervalMs": serializers.IntegerField(),
                "banner": serializers.CharField(allow_null=True),
            },
        ),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        in_force = rules.in_force()
        if in_force.realtime and (url := request.query_params.get("unreachable")):
            page = f"{request.scheme}://{request.get_host()}"
            refusals.note_page_without_socket(url, page, request.META.get("REMOTE_ADDR", ""))
        answer = Response(describe(request._request, in_force))
        answer["Cache-Control"] = "no-store"
        return answer


class PublishedEvent(serializers.Serializer[Any]):
    event = serializers.CharField(max_length=81)
    data = serializers.JSONField()  # type: ignore[assignment]  # a field of that name, not the property

    def validate_data(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise serializers.ValidationError("Expected an object.")
        if protocol.size(value) > protocol.MAX_FRAME_BYTES:
            raise serializers.ValidationError(
                f"Expected {protocol.MAX_FRAME_BYTES} bytes of JSON at the most."
            )
        return value


class KeyReused(exceptions.APIException):
    """422: under this key another event is in the log."""

    status_code = 422
    default_code = "idempotency-key-reused"
    default_detail = "This Idempotency-Key has been used for another event: send each under a key of its own."


class PublishView(APIView):
    """Another service sends a named event to a room; it needs a token of `manage.py service_token`."""

    authentication_classes = [ServiceAuthentication]
    kind: RoomKind | None = None  # given by as_view

    @extend_schema(
        request=PublishedEvent,
        responses={
            201: OpenApiResponse(description="The event as it stands in the log"),
            **dict.fromkeys((400, 401, 403, 404, 422), PROBLEM),
        },
        parameters=[IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED],
        examples=[
            OpenApiExample("A summary", {"event": "ai:summarised", "data": {"text": "…"}}, request_only=True)
        ],
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        if not request.user or not request.user.is_authenticated:
            raise NotAuthenticated("A service token is required.")
        asked = PublishedEvent(data=request.data)
        asked.is_valid(raise_exception=True)
        assert self.kind is not None
        event, data = asked.validated_data["event"], asked.validated_data["data"]
        self._check_name(event, self.kind)
        service: Any = request.user
        room = Room(self.kind, str(room_id))
        if service.room and service.room != room.name:
            raise exceptions.PermissionDenied(f"This token is for another {self.kind.name}.")
        actor, key = Actor(None, service.name), self._key(request)
        try:
            with eventlog.writing(room) as log:
                found = log.find(key, actor) if key else None
                appended = found or log.append(event, data, actor=actor, mutation_id=key)
        except UnknownRoom:
            raise exceptions.NotFound(f"There is no such {self.kind.name}.") from None
        answer = appended.wire()
        if found and not same_value([answer["event"], answer["data"]], [event, data]):
            raise KeyReused
        return Response(answer, 201, headers={"Idempotent-Replayed": "true"} if found else None)

    def _key(self, request: Request) -> str | None:
        """The Idempotency-Key: what was sent under it once is not sent again."""
        key = request.headers.get("Idempotency-Key")
        if key is not None and not KEY.fullmatch(key):
            raise exceptions.ValidationError(
                {"Idempotency-Key": ["Expected 1 to 200 visible ASCII characters."]}
            )
        return key

    def _check_name(self, event: str, kind: RoomKind) -> None:
        reserved = kind.namespaces | protocol.RESERVED_NAMESPACES
        if not protocol.is_event_name(event):
            message = "Expected namespace:verb in small letters, like ai:summarised."
        elif event.partition(":")[0] in reserved:
            message = f"Expected a namespace of your own, none of {', '.join(sorted(reserved))}."
        else:
            return
        raise exceptions.ValidationError({"event": [message]})


@csrf_exempt
def asyncapi(request: HttpRequest) -> HttpResponse:
    """The AsyncAPI document of the sockets."""
    if request.method not in ("GET", "HEAD"):
        refusal = problems.respond(405, "method-not-allowed", "only GET is answered here")
        refusal.headers["Allow"] = "GET, HEAD"
        return refusal
    return HttpResponse(ASYNCAPI.read_bytes(), content_type="application/yaml")
