"""The list of boards: one's own and those that are open to everybody, in pages, and a search by name."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from projects import board_lists, cursors, limits, quotas, services
from projects.board_lists import Asked, BoardPage
from projects.errors import DomainError, RateLimited
from projects.models import Project, User
from projects.validators import validate_line
from projects.web.summaries import Summary, summaries
from projects.web.visitors import may_open_to_everybody, must_log_in
from realtime import eventlog

PAGE = 36  # boards of a section
ADDRESS = "/projects"
OWN, PUBLIC = "own", "public"  # the sections, and the parameters that ask for a later page of one


class BadRequest(Exception):
    """The query of the address is none of this page's; the message is for people."""


@dataclass(frozen=True, slots=True)
class Query:
    """`section`: None where both are asked for, from the beginning; else `after` is where its page begins."""

    words: str = ""
    section: str | None = None
    after: list[object] | None = None

    def address(self, **more: str) -> str:
        """Of the list with the same words."""
        given = {**({"q": self.words} if self.words else {}), **more}
        return f"{ADDRESS}?{urlencode(given)}" if given else ADDRESS


@dataclass(frozen=True, slots=True)
class Section:
    """`next`: the address of the next page; empty on the last."""

    boards: list[Summary]
    next: str


@cache_control(private=True, no_cache=True)
@require_http_methods(["GET", "HEAD", "POST"])
def board_list(request: HttpRequest) -> HttpResponse:
    """The boards that one may see; POST makes a new one and goes there."""
    if must_log_in(request):
        return redirect_to_login(request.get_full_path())
    if request.method == "POST":
        return _create(request)
    try:
        return _page(request, _query(request))
    except BadRequest as wrong:
        return _page(request, Query(), status=400, notice=str(wrong))


def _query(request: HttpRequest) -> Query:
    """Raises BadRequest."""
    words = " ".join(request.GET.get("q", "").split())
    if len(words) > limits.NAME:
        raise BadRequest(f"A board's name has at most {limits.NAME} characters: search for fewer.")
    try:
        validate_line(words)
    except ValidationError as wrong:
        raise BadRequest(wrong.messages[0]) from None
    section = next((name for name in (OWN, PUBLIC) if name in request.GET), None)
    if section is None:
        return Query(words)
    try:
        return Query(words, section, cursors.decode(Project, board_lists.KEYS, request.GET[section]))
    except ValueError:
        raise BadRequest("There is no such page of the list. It begins here.") from None


def _page(
    request: HttpRequest,
    query: Query,
    *,
    status: int = 200,
    notice: str = "",
    error: str = "",
    name: str = "",
) -> HttpResponse:
    """`notice`: about the list; `error`: about the new board of that `name`."""
    with eventlog.consistent_read():  # the cards are of the moment in which the boards might be seen
        sections = _sections(request, query)
    context = {
        **sections,
        "query": query,
        "first": query.address(),
        "notice": notice,
        "error": error,
        "name": name,
        "may_open": may_open_to_everybody(request),
    }
    return render(request, "projects/board_list.html", context, status=status)


def _sections(request: HttpRequest, query: Query) -> dict[str, Section]:
    asked = Asked(PAGE, query.words, query.after)
    pages: dict[str, BoardPage] = {}
    if query.section != PUBLIC and isinstance(request.user, User):
        pages[OWN] = board_lists.boards_of(request.user, asked)
    if query.section != OWN:
        pages[PUBLIC] = board_lists.public_boards(request.user, asked)
    cards = iter(summaries([board for page in pages.values() for board in page.boards]))
    return {
        name: Section(
            [next(cards) for _ in page.boards],
            query.address(**{name: cursors.encode(page.next)}) if page.next else "",
        )
        for name, page in pages.items()
    }


def _create(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        return redirect_to_login(ADDRESS)
    name = " ".join(request.POST.get("name", "").split())
    if not name:
        return _page(request, Query(), status=400, error="A board needs a name.")
    try:
        with quotas.one_of_few(request.user):
            project = services.project_create(
                actor=request.user, name=name, public=request.POST.get("public") == "on"
            )
    except DomainError as refused:
        return _refusal(request, refused, name[: limits.NAME])
    return redirect("board", project_id=project.pk)


def _refusal(request: HttpRequest, refused: DomainError, name: str) -> HttpResponse:
    fields = getattr(refused, "fields", {})
    sentence = " ".join(said for sentences in fields.values() for said in sentences) or refused.message
    if not isinstance(refused, RateLimited):
        return _page(request, Query(), status=400, error=sentence, name=name)
    page = _page(request, Query(), status=429, error=sentence, name=name)
    page["Retry-After"] = str(refused.retry_after)
    return page
