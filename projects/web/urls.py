"""The pages' addresses: without a trailing slash, and with one by a redirect."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.generic import RedirectView

from projects.web import board_list, boards, sessions

urlpatterns = [
    path("", RedirectView.as_view(url="/projects")),
    path("login", sessions.log_in, name="login"),
    path("logout", sessions.log_out, name="logout"),
    path("logout/everywhere", sessions.log_out_everywhere, name="logout_everywhere"),
    path("projects", board_list.board_list, name="projects"),
    path("projects/<id:project_id>", boards.board, name="board"),
    path("projects/<id:project_id>/tasks/<id:task_id>", boards.board, name="task"),
    re_path(
        r"^(?P<address>(?:login|projects(?:/[0-9A-Fa-f-]{36}(?:/tasks/[0-9A-Fa-f-]{36})?)?))/$",
        RedirectView.as_view(url="/%(address)s", query_string=True),
    ),
]
