"""JSON on the way in, held to the letter of RFC 8259."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too-large"


class StrictJSONParser(BaseParser):
    """Refuses what the standard library lets pass or dies of: NaN, lone surrogates, endless nesting.

    The framework itself sets no bound to what a parser reads.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(most + 1)
        if len(body) > most:
            raise TooLarge(f"The body is too large: at most {most} bytes are read.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as refused:
            raise ParseError(f"The body is not valid JSON: {refused}") from None
