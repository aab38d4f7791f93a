"""A board's page. Changes go through the API; here is only the first sight of it."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from projects import selectors
from projects.errors import NotFound
from projects.web.visitors import may_open_to_everybody, must_log_in


@cache_control(private=True, no_cache=True)
@require_safe
def board(request: HttpRequest, project_id: UUID, task_id: UUID | None = None) -> HttpResponse:
    """A board's page, which loads the board by itself; `task_id` opens that task's sheet.

    A task that is not there may still be on its way from the page that asks: it gets the same page, as a 404.
    """
    if must_log_in(request):
        return redirect_to_login(request.get_full_path())
    try:
        project = selectors.project_for(request.user, project_id)
    except NotFound:
        return not_found(request)
    there = task_id is None or selectors.tasks_of(project).filter(pk=task_id).exists()
    context = {"project": project, "may_open": may_open_to_everybody(request)}
    return render(request, "projects/board.html", context, status=200 if there else 404)


def not_found(request: HttpRequest) -> HttpResponse:
    """What one may not see looks like what is not there."""
    return render(request, "projects/not_found.html", status=404)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for an address that is not there.

    Django's own view reads the request's form before it answers, and fails where that cannot be read.
    """
    return render(request, "404.html", status=404)
