"""Answers as JSON, by the library that writes the events, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.renderers import JSONRenderer

from projects.api.boards import RawJson


class FastJSONRenderer(JSONRenderer):
    """DRF's renderer with orjson in it: a board of thousands of tasks is a megabyte."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if isinstance(data, RawJson):
            return data.text
        # Text that Django translates late is no str yet.
        return b"" if data is None else orjson.dumps(data, default=str)
