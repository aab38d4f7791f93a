"""JSON on the way in, held to the letter of RFC 8259."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from realtime import bounded_json


class StrictJSONParser(BaseParser):
    """Refuses what the standard library lets pass or dies of: NaN, lone surrogates, endless nesting.

    How long a body may be is the gateway's to say, which has read it before (`realtime.bodies`).
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return bounded_json.loads(stream.read())
        except ValueError as refused:
            raise ParseError(f"The body is not JSON that is read: {refused}.") from None
