"""The list of boards, and a board. Changes go through the API; here is only the first sight of a page."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from projects import limits, permissions, selectors, services
from projects.errors import DomainError, NotFound, RateLimited
from projects.models import Project, User
from projects.web.summaries import summaries
from realtime import controls, eventlog


@cache_control(private=True, no_cache=True)
@require_http_methods(["GET", "HEAD", "POST"])
def board_list(request: HttpRequest) -> HttpResponse:
    """The boards that one may see; POST makes a new one and goes there."""
    if _must_log_in(request):
        return redirect_to_login(request.get_full_path())
    if request.method == "POST":
        return _create(request)
    return _list(request)


@cache_control(private=True, no_cache=True)
@require_safe
def board(request: HttpRequest, project_id: UUID, task_id: UUID | None = None) -> HttpResponse:
    """A board's page, which loads the board by itself; `task_id` opens that task's sheet."""
    if _must_log_in(request):
        return redirect_to_login(request.get_full_path())
    try:
        project = selectors.project_for(request.user, project_id)
    except NotFound:
        return not_found(request)
    if task_id and not selectors.tasks_of(project).filter(pk=task_id).exists():
        return not_found(request, board=project)
    context = {"project": project, "may_open": _may_open(request)}
    return render(request, "projects/board.html", context)


def not_found(request: HttpRequest, board: Project | None = None) -> HttpResponse:
    """What one may not see looks like what is not there. `board`: only the task is missing on it."""
    return render(request, "projects/not_found.html", {"board": board}, status=404)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for an address that is not there.

    Django's own view reads the request's form before it answers, and fails where that cannot be read.
    """
    return render(request, "404.html", status=404)


def _list(request: HttpRequest, *, error: str = "", name: str = "") -> HttpResponse:
    with eventlog.consistent_read():  # the cards are of the moment in which the boards might be seen
        visible = summaries(selectors.projects_visible_to(request.user))
    context = {
        "own": [one for one in visible if one.role],
        "public": [one for one in visible if not one.role],
        "error": error,
        "name": name,
        "may_open": _may_open(request),
    }
    return render(request, "projects/board_list.html", context, status=400 if error else 200)


def _create(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect_to_login("/projects")
    name = " ".join(request.POST.get("name", "").split())
    if not name:
        return _list(request, error="A board needs a name.")
    try:
        project = services.project_create(
            actor=request.user, name=name, public=request.POST.get("public") == "on"
        )
    except DomainError as refused:
        page = _list(request, error=_sentence(refused), name=name[: limits.NAME])
        if isinstance(refused, RateLimited):
            page.status_code = 429
            page["Retry-After"] = str(refused.retry_after)
        return page
    return redirect("board", project_id=project.pk)


def _sentence(refused: DomainError) -> str:
    fields = getattr(refused, "fields", {})
    return " ".join(said for sentences in fields.values() for said in sentences) or refused.message


def _may_open(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and permissions.may_open_to_everybody(request.user)


def _must_log_in(request: HttpRequest) -> bool:
    """Guests read public boards on the terms of the API: not where credentials are required."""
    return not request.user.is_authenticated and controls.policy_in_force().require_auth
