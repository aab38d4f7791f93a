"""No text makes a regular expression of ours take long: Python's hold the lock of the whole process.

A header of 56 bytes once did, by a pattern in which two neighbours could eat the same blanks.
"""

import itertools
import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from tests.support import patterns

MOST_SECONDS = 0.1
# Short ones first, in small steps: what takes exponential time is noticed before it takes minutes.
LENGTHS = (*range(8, 68, 4), 100, 1000, 10_000)
METHODS = frozenset({"match", "fullmatch", "search"})
OF_DJANGO = frozenset({"search", "fullmatch"})  # by which it looks at routes and validates


def of_routes(resolver: URLResolver, within: str = "") -> Iterator[tuple[str, re.Pattern[Any]]]:
    yield f"{within}{resolver.pattern}", resolver.pattern.regex
    for entry in resolver.url_patterns:
        where = f"{within}{resolver.pattern}"
        if isinstance(entry, URLResolver):
            yield from of_routes(entry, where)
        elif isinstance(entry, URLPattern):
            yield f"{where}{entry.pattern}", entry.pattern.regex


def of_gateway() -> Iterator[tuple[str, re.Pattern[Any]]]:
    from devmentor.asgi import application

    for router in application._router.application_mapping.values():
        for route in getattr(getattr(router, "application", router), "routes", ()):
            yield f"the gateway's {route.pattern}", route.pattern.regex


def of_models() -> Iterator[tuple[str, re.Pattern[Any]]]:
    from django.apps import apps

    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.Field):
                for validator in field.validators:
                    if isinstance(validator, RegexValidator):
                        yield f"{model.__name__}.{field.name}", re.compile(validator.regex)


def of_serializers() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for module in patterns.modules():
        for name, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, serializers.Serializer):
                for field in value().fields.values():
                    for validator in field.validators:
                        if isinstance(validator, RegexValidator):
                            yield f"{module.__name__}.{name}.{field.field_name}", re.compile(validator.regex)


def of_settings() -> Iterator[tuple[str, re.Pattern[Any]]]:
    for source in (settings.CORS_URLS_REGEX, *settings.SECURE_REDIRECT_EXEMPT):
        yield f"settings {source}", re.compile(source)


def every() -> dict[str, tuple[re.Pattern[Any], frozenset[str]]]:
    """The patterns by where they stand, with the methods by which they are asked."""
    used = patterns.methods_used()
    found = {
        where: (pattern, METHODS & used.get(where.rpartition(".")[2].partition("[")[0], METHODS))
        for where, pattern in patterns.compiled().items()
    }
    for more in (of_routes(get_resolver()), of_gateway(), of_models(), of_serializers(), of_settings()):
        found.update((where, (pattern, OF_DJANGO)) for where, pattern in more)
    return found


def seconds_for(pattern: re.Pattern[Any], method: str, text: str) -> float:
    """Of this thread's: others on the machine make it no longer."""
    subject: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1", "replace")
    began = time.thread_time()
    getattr(pattern, method)(subject)
    return time.thread_time() - began


def too_long(pattern: re.Pattern[Any], methods: Iterable[str] = METHODS) -> str:
    """What it takes too long for; empty where there is nothing."""
    for length in LENGTHS:
        for text, method in itertools.product(patterns.trials(pattern, length), methods):
            taken = seconds_for(pattern, method, text)
            if taken > MOST_SECONDS and seconds_for(pattern, method, text) > MOST_SECONDS:
                return f"{method} takes {taken:.2f} s for {length} characters like {text[:60]!r}"
    return ""


def test_no_pattern_takes_long_for_any_text() -> None:
    found = every()
    assert len(found) > 100
    tried: dict[tuple[re.Pattern[Any], frozenset[str]], str] = {}
    for where, (pattern, methods) in found.items():
        if (pattern, methods) not in tried:
            said = too_long(pattern, methods)
            tried[pattern, methods] = said and f"{where}: {said}"
    assert [said for said in tried.values() if said] == []


def test_every_pattern_stands_where_it_is_found() -> None:
    """And none is made of what a client sends: a function that calls `re` has another, or a client's own."""
    assert patterns.calls_inside_functions() == []


@pytest.mark.parametrize(
    "source",
    [
        r'[ \t]*(?:"a")?[ \t]*(?:,[ \t]*(?:"a")?[ \t]*)*',
        r"(a+)+b",
        r"(?:x|[a-z])*(?:x|[a-z])*y",
        r"[a-z]+[a-z]+!",
    ],
    ids=["blanks in two ways", "a repeated repetition", "a choice of the same", "a search from everywhere"],
)
def test_a_pattern_that_takes_long_is_noticed(source: str) -> None:
    assert too_long(re.compile(source))
