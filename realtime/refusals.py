"""Requests that are turned away before a view or a session sees them: a line in the log, and a short answer.

Whoever runs the service is told what came and which setting decides. Of a kind there is one line a minute at
the most: strangers decide how many requests there are.
"""

import logging
from typing import Any

from realtime.asgi import Headers
from realtime.cross_origin import refusal_headers
from realtime.problems import answer_to
from realtime.rare_log import RareLog
from realtime.responses import send_response

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
SHOWN = 200  # characters of what a client sent

_log = RareLog(logger, EVERY_SECONDS)


def note(kind: str, what: str, advice: str) -> None:
    """Write a line, if one of its kind is due.

    kind: a word of ours, never a client's
    what: what came and from where, what a client sent by way of `shown`
    advice: which setting decides, or where operators do
    """
    _log.warning(kind, "refused: %s: %s", what, advice)


def note_blocked(address: str) -> None:
    """Somebody from a network that operators have blocked."""
    note("blocked", f"a client at {shown(address)}", "operators block its network (manage.py block --list)")


def note_page_without_socket(url: str, page: str, address: str) -> None:
    """A page of ours polls, since it could not open a socket."""
    line = f"a page at {shown(page)} polls: no socket opens at {shown(url)} nor at /ws of its own ({address})"
    advice = "see PUBLIC_WEBSOCKET_URL and CORS_ORIGIN, and whether the proxies in front hand on Upgrade"
    _log.warning("no socket", "%s: %s", line, advice)


def shown(text: str) -> str:
    """What a client sent, as it may stand in a line of the log."""
    return repr(text[:SHOWN]) + ("…" if len(text) > SHOWN else "")


def clipped(text: str) -> str:
    """The same as a value of its own, which needs no quotes."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


async def refuse(
    scope: Any, receive: Any, send: Any, status: int, code: str, detail: str, headers: Headers | None = None
) -> None:
    """Answer a request or a handshake of which nothing has been received yet.

    headers: of the answer to a request, beside those of its body
    """
    if scope["type"] == "websocket":
        await receive()
        await refuse_handshake(scope, send, status, detail)
        return
    told = [*(headers or []), *refusal_headers(scope["path"], scope["headers"])]
    await send_response(scope, send, status, *answer_to(scope["path"], status, code, detail), told)


async def refuse_handshake(scope: Any, send: Any, status: int, detail: str) -> None:
    """Answer a handshake of which `websocket.connect` has been received."""
    await send_response(scope, send, status, *answer_to("", status, "", detail))
