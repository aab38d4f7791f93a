"""Lists of boards by name, in pages. A page costs the same however many boards there are of other people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from projects import cursors
from projects.models import Membership, Project, User
from projects.selectors import Reader

KEYS = ("name", "id")
# Public boards whose names a search looks at for one page; where there are more, the next page goes on.
LOOKED_AT = 5_000

Place = Sequence[Any]  # of a board in the list: its name and id


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of a list.

    words: all of which a name has to contain, in any order, capitals or not
    after: the place behind which the page begins; None: the first page
    """

    limit: int
    words: str = ""
    after: Place | None = None

    @property
    def condition(self) -> Q:
        found = cursors.after(KEYS, self.after) if self.after else Q()
        for word in self.words.split():
            found &= Q(name__icontains=word)
        return found


@dataclass(frozen=True, slots=True)
class BoardPage:
    """`next`: what to ask for the next page `after`; None: this is the last one."""

    boards: list[Project]
    next: Place | None


def boards_of(user: User, asked: Asked) -> BoardPage:
    """Those that the user is a member of, each with their `role`."""
    return _page(_of(user).filter(asked.condition), asked.limit, None)


def public_boards(reader: Reader, asked: Asked) -> BoardPage:
    """Those that are open to everybody, but for the reader's own."""
    end = _end(asked)
    boards = _public(asked, end)
    if isinstance(reader, User):
        boards = boards.exclude(Exists(Membership.objects.filter(project=OuterRef("pk"), user=reader)))
    return _page(boards, asked.limit, end)


def visible_boards(reader: Reader, asked: Asked) -> BoardPage:
    """All that the reader may see, in one order."""
    end = _end(asked)
    # The first of each, and then of these: one query for both would look at every board there is.
    sources = [_public(asked, end)]
    if isinstance(reader, User):
        sources.append(_of(reader).filter(asked.condition & _until(end)))
    ids = {pk for source in sources for pk in source.values_list("pk", flat=True)[: asked.limit + 1]}
    return _page(Project.objects.filter(pk__in=ids), asked.limit, end)


def _page(boards: QuerySet[Project], limit: int, end: Place | None) -> BoardPage:
    found = list(boards.order_by(*KEYS)[: limit + 1])
    if len(found) > limit:
        return BoardPage(found[:limit], (found[limit - 1].name, found[limit - 1].pk))
    return BoardPage(found, end)


def _of(user: User) -> QuerySet[Project]:
    return Project.objects.filter(memberships__user=user).annotate(role=F("memberships__role"))


def _public(asked: Asked, end: Place | None) -> QuerySet[Project]:
    return Project.objects.filter(asked.condition & _until(end), public=True)


def _end(asked: Asked) -> Place | None:
    """The last public board that a search looks at; None: it looks at all that are left."""
    if not asked.words:
        return None
    left = Project.objects.filter(Asked(0, after=asked.after).condition, public=True)
    return left.order_by(*KEYS).values_list(*KEYS)[LOOKED_AT - 1 : LOOKED_AT].first()


def _until(end: Place | None) -> Q:
    if end is None:
        return Q()
    name, pk = end
    return Q(name__lte=name) & (Q(name__lt=name) | Q(pk__lte=pk))
