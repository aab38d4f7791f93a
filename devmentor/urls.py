"""All addresses that Django serves; sockets, polling and health are in asgi.py."""

from csp.decorators import csp_update
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from devmentor.documents import SchemaView
from projects.rooms import PROJECT
from realtime import problems
from realtime.api import PublishView, RealtimeView, TokenEndView, TokenRefreshView, TokenView, asyncapi

docs = csp_update({"style-src": ["'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(http_method_names=["get", "head"])  # it has no page for OPTIONS
)

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/auth/token/", TokenView.as_view()),
    path("api/auth/token/refresh/", TokenRefreshView.as_view()),
    path("api/auth/token/end/", TokenEndView.as_view()),
    path("api/asyncapi.yaml", asyncapi),
    path("api/realtime/", RealtimeView.as_view()),
    path("api/projects/<id:room_id>/publish/", PublishView.as_view(kind=PROJECT)),
    path("api/schema/", SchemaView.as_view(authentication_classes=[]), name="schema"),
    path("api/docs/", docs, name="docs"),
    path("api/", include("projects.api.urls")),
    path("api/projects/<id:room_id>/events/", problems.answered_elsewhere),
    re_path(r"^api(?:/(?P<rest>(?s:.*)))?$", problems.unknown_address),
    path("favicon.ico", RedirectView.as_view(url=static("projects/icon.svg"))),
    path("", include("projects.web.urls")),
]
handler400 = "realtime.problems.bad_request"
handler404 = "projects.web.boards.page_not_found"
handler500 = "realtime.problems.server_error"
