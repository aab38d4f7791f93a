"""Odd addresses and forms of the pages: the admin's lists, forms and actions, and the log-in."""

from urllib.parse import quote

from django.contrib import admin
from django.db.models import Field
from hypothesis import strategies as st

from tests.fuzz.values import ODD_DATES, ODD_NUMBERS, json_values, texts

MOST_QUERY = 10_000  # characters: a longer address is refused before anybody looks at it
LIST_PARAMETERS = (
    "o",
    "p",
    "q",
    "e",
    "all",
    "_facets",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "pk__in",
)
LOOKUPS = (
    "",
    "__in",
    "__gte",
    "__lt",
    "__range",
    "__isnull",
    "__year",
    "__date",
    "__time",
    "__contains",
    "__x",
)
SELECTS = (
    ("task", "project"),
    ("task", "column"),
    ("task", "assignee"),
    ("comment", "task"),
    ("membership", "user"),
)

# What is right by itself, so that one odd value reaches what is behind the form.
GOOD = {
    "project": "@public",
    "task": "@task",
    "column": "@column",
    "name": "N",
    "title": "T",
    "text": "x",
    "labels": "[]",
    "description": "",
    "assignee": "",
    "due_on": "",
    "role": "viewer",
    "user": "@user",
    "username": "",
    "usable_password": "true",
    "password1": "a long pass phrase",
    "password2": "a long pass phrase",
    "action": "delete_selected",
    "_selected_action": "@task",
    "index": "0",
}


def _models() -> list[tuple[str, list[str]]]:
    """The address of each model's pages, and the names of its columns."""
    return [
        (
            f"/admin/{model._meta.app_label}/{model._meta.model_name}/",
            [field.name for field in model._meta.get_fields() if isinstance(field, Field)],
        )
        for model in admin.site._registry
    ]


def _queries() -> list[str]:
    """Addresses with a place for a value."""
    found = [
        "/login?next={}",
        "/admin/login/?next={}",
        "/projects?x={}",
        "/admin/policy/?x={}",
        "/admin/?x={}",
    ]
    found += [f"/admin/autocomplete/?{name}={{}}" for name in ("app_label", "model_name", "field_name")]
    for model, field in SELECTS:
        select = f"/admin/autocomplete/?app_label=projects&model_name={model}&field_name={field}"
        found += [f"{select}&term={{}}", f"{select}&page={{}}"]
    for address, names in _models():
        found += [f"{address}?{name}={{}}" for name in LIST_PARAMETERS]
        found += [f"{address}?{name}{lookup}={{}}" for name in names for lookup in LOOKUPS]
        found += [f"{address}add/?{name}={{}}" for name in names]
        found += [f"{address}{{}}/{page}/" for page in ("change", "delete", "history", "password")]
    return found


def _forms() -> list[str]:
    """Addresses that take forms; those of users change nobody who is there."""
    found = [f"{address}add/" for address, _ in _models()] + [address for address, _ in _models()]
    return [
        *found,
        "/admin/projects/task/@task/change/",
        "/admin/projects/project/@public/change/",
        "/projects",
    ]


_values = texts | st.sampled_from((*ODD_DATES, *ODD_NUMBERS))
addresses = st.builds(
    lambda address, value: address.format(quote(value, safe="")[:MOST_QUERY]),
    st.sampled_from(_queries()),
    _values,
)
forms = st.tuples(
    st.sampled_from(_forms()),
    st.dictionaries(st.sampled_from(sorted(GOOD)), _values | json_values, min_size=1, max_size=2).map(
        lambda odd: {**GOOD, **odd}
    ),
)
