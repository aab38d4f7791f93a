"""Static files under ASGI."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """whitenoise, whose answers are whole instead of streamed.

    It streams from a synchronous iterator, which Django under ASGI reads to its end first, and warns of. It
    refuses to send a part of one byte, so a request for a part is answered by the whole (RFC 9110, 14.2).
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        asked = {name: value for name, value in request.META.items() if name != "HTTP_RANGE"}
        found = static_file.get_response(request.method, asked)
        content = b""
        if found.file is not None:
            with found.file:
                content = found.file.read()
        response = HttpResponse(content, status=int(found.status), content_type="")
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
