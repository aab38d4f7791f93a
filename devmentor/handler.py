"""Django's ASGI handler, with all of a request in one thread.

Django's own calls middleware as coroutines, and each hook of theirs by way of a thread: some twenty times
there and back a request, in a thread that is started for it. Our views and middleware are synchronous. So a
request is read on the loop, answered in one thread of a pool that stays, and sent from the loop.
"""

import asyncio
import contextvars
import io
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import IO, Any

from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.base import BaseHandler
from django.http import HttpResponse
from django.urls import set_script_prefix

from devmentor.passwords import forbid_hashing
from devmentor.turns import RequestTurns
from realtime.responses import WITHOUT_BODY

# More than a process's connections to its database: who needs none of those does not wait behind who does.
THREADS = 64


class OneThreadHandler(ASGIHandler):
    """A client that leaves is answered all the same: a thread cannot be called back."""

    def __init__(self) -> None:
        BaseHandler.__init__(self)  # not ASGIHandler's, which loads middleware as coroutines
        self.load_middleware(is_async=False)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="request", initializer=forbid_hashing)
        # Fewer than a user's: who has a page open beside a busy script is not refused.
        of_a_log_in = max(1, settings.WRITES_AT_ONCE * 2 // 3)
        self._turns = RequestTurns(THREADS, settings.DATABASE_POOL_SIZE, of_a_log_in)

    async def read_body(self, receive: Any) -> IO[bytes]:
        """The body, in memory and not copied: it is read within bounds before it comes here.

        Django would write it into a file of its own and read it from there into a second copy.
        """
        parts, more = [], True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        return io.BytesIO(b"".join(parts))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        answer = partial(self.answer_in, self._threads, scope, body)
        await self.send_response(await self._turns.run(scope, answer), send)

    async def answer_in(self, threads: Executor, scope: dict[str, Any], body: IO[bytes]) -> HttpResponse:
        """The answer, made in one of these threads."""
        # A context for each request: what one binds for its lines in the log is not the next one's.
        answer = contextvars.copy_context().run
        return await asyncio.get_running_loop().run_in_executor(threads, answer, self._answer, scope, body)

    def _answer(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponse:
        """The whole answer, closed: so this thread has given its database connection back."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=self.__class__, scope=scope)
        request, refusal = self.create_request(scope, body)
        response: Any = refusal if request is None else self.get_response(request)
        whole = _unstreamed(response) if response.streaming else response
        response.close()
        body.close()
        _let_go(response)
        if whole.status_code in WITHOUT_BODY:  # Django says 0, of a 204 and of the answer that a 304 is about
            del whole.headers["Content-Length"]
        else:  # without it a client of HTTP/1.0 would be sent chunks
            whole.headers.setdefault("Content-Length", str(len(whole.content)))
        return whole


def _let_go(response: Any) -> None:
    """Open the circles of view, request and answer that DRF leaves behind: else an answer of a megabyte, with
    all that it was made of, stays until the garbage collector comes, which is seldom.
    """
    context = getattr(response, "renderer_context", None)
    if context is not None:
        context["request"].parser_context.clear()
        vars(context["view"]).clear()
        context.clear()


def _unstreamed(response: Any) -> HttpResponse:
    """No view of ours streams; Django, too, would read what one yields to its end before it is sent."""
    whole = HttpResponse(b"".join(response), status=response.status_code, headers=dict(response.headers))
    whole.cookies = response.cookies
    return whole
