"""HTTP answers of what answers without Django: status, media type, length and body as ASGI's messages."""

from collections.abc import Iterable
from typing import Any

from realtime.asgi import Headers
from realtime.protocol import CloseCode

WITHOUT_BODY = (204, 304)  # statuses whose answers have no body, and so neither type nor length
READING = b"GET, HEAD, OPTIONS"  # the methods of an address that is only read
# The ASGI extension by which a handshake gets an answer with a body.
HTTP_RESPONSE = "websocket.http.response"


async def send_response(
    scope: Any,
    send: Any,
    status: int,
    body: bytes = b"",
    media_type: str = "",
    headers: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Answer a request, or refuse a handshake: by a server that cannot send a body that is an empty 403."""
    if scope["type"] == "websocket" and HTTP_RESPONSE not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": CloseCode.FORBIDDEN})
        return
    for message in messages(scope, status, body, media_type, headers):
        await send(message)


async def answer_options(scope: Any, send: Any, allow: bytes, headers: Headers | None = None) -> None:
    """What may be asked of an address (RFC 9110, section 9.3.7), like READING."""
    await send_response(scope, send, 204, headers=[(b"allow", allow), *(headers or [])])


async def answer_asterisk(scope: Any, receive: Any, send: Any) -> None:
    """`OPTIONS *` asks about the server as a whole (RFC 9110, section 9.3.7): whether it answers."""
    await send_response(scope, send, 204)


def messages(
    scope: Any, status: int, body: bytes, media_type: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The start of an answer and its body, also where the answer is to HEAD: see `realtime.routing`."""
    kind = HTTP_RESPONSE if scope["type"] == "websocket" else "http.response"
    own = [] if status in WITHOUT_BODY else content_headers(len(body), media_type)
    start = {"type": f"{kind}.start", "status": status, "headers": [*own, *headers]}
    return start, {"type": f"{kind}.body", "body": body}


def content_headers(length: int, media_type: str) -> Headers:
    """What a head says of a body; `length` in bytes."""
    return [(b"content-type", media_type.encode()), (b"content-length", str(length).encode())]
