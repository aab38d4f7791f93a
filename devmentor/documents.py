"""The OpenAPI document, as it is served."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class SchemaView(SpectacularAPIView):
    """Made once for each format: anybody may ask for it, and it takes a fifth of a second of a core."""

    _kept: ClassVar[dict[str, tuple[bytes, dict[str, str]]]] = {}

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        media_type = request.accepted_renderer.media_type
        if media_type in self._kept:
            body, headers = self._kept[media_type]
            return HttpResponse(body, headers=headers)
        answer = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]

        def keep(rendered: Any) -> None:
            names = ("Content-Type", "Content-Disposition")
            headers = {name: rendered.headers[name] for name in names if name in rendered.headers}
            self._kept[media_type] = rendered.content, headers

        answer.add_post_render_callback(keep)
        return answer
