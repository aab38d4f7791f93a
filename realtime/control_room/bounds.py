"""What a request to any page of the admin may hold, and the answer to one that holds something else."""

from collections.abc import Callable, Iterable
from functools import wraps
from itertools import chain
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from realtime.characters import NotAllowed

MOST_WORDS = 20  # of a search: each is a condition more of its query, and SQLite takes a thousand

View = Callable[..., HttpResponse]


def bounded(view: View) -> View:
    """A page of the admin that answers 400 where a request does not hold; nothing was changed then."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            _check(request)
            return view(request, *args, **kwargs)
        except NotAllowed as wrong:
            sentence = f"{wrong} Nothing was changed: go back and change that.\n"
            return HttpResponse(sentence, "text/plain; charset=utf-8", 400)

    return answer


def _check(request: HttpRequest) -> None:
    if any("\0" in text for text in chain(_texts(request.GET), _texts(request.POST))):
        raise NotAllowed("U+0000 is not allowed here.")  # PostgreSQL takes it for no text
    words = len(request.GET.get("q", "").split()) or len(request.GET.get("term", "").split())
    if words > MOST_WORDS:
        raise NotAllowed(f"A search has at most {MOST_WORDS} words, this one {words}.")


def _texts(query: QueryDict) -> Iterable[str]:
    """Its names and values."""
    return chain.from_iterable([name, *values] for name, values in query.lists())
