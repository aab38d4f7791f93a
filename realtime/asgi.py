"""The types of ASGI's own, for what speaks it without Django."""

from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]
Headers = list[tuple[bytes, bytes]]  # the names in small letters
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
