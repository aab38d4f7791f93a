"""What each table's pages in the admin take from addresses and forms: nothing that does not fit fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import DataError, NotSupportedError
from django.db.models import Field, ForeignKey, JSONField, QuerySet
from django.forms import Field as FormField
from django.forms import ModelChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from realtime import bounded_json
from realtime.characters import NotAllowed

# What lists offer, by their filters and their dates. Others fail on values of another form than theirs, and
# patterns, which SQLite hands to Python, may never end.
LOOKUPS = ("exact", "in", "isnull", "gt", "gte", "lt", "lte", "year", "month", "day")
# The value does not fit: says Python, the driver or the server; or the database has no such comparison.
UNFIT = (ValueError, OverflowError, DataError, NotSupportedError)


class CheckedMixin(ModelAdmin):
    """Of every ModelAdmin, by ControlRoom.register.

    Django answers incorrect parameters with the list without them; so are ticks answered that are no ids.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        kind = lookup.rpartition("__")[2]
        is_lookup = any(kind in field.get_lookups() for field in self.opts.fields)
        if "__" in lookup and is_lookup and kind not in LOOKUPS:
            raise NotAllowed(f"Lists are filtered by {', '.join(LOOKUPS)}, not by {kind}.")
        return super().lookup_allowed(lookup, value, request)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return CheckedChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not all(_fits(self.opts.pk, tick) for tick in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            messages.error(request, f"Choose {self.opts.verbose_name_plural} of the list.")
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    def formfield_for_dbfield(
        self, db_field: "Field[Any, Any]", request: Any, **kwargs: Any
    ) -> FormField | None:
        if isinstance(db_field, JSONField):
            kwargs["decoder"] = bounded_json.Decoder
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        if db_field.name in self.get_autocomplete_fields(request) and "widget" not in kwargs:
            kwargs["widget"] = CheckedSelect(db_field, self.admin_site, using=kwargs.get("using"))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class CheckedChangeList(ChangeList):
    """Django's own notices some values that do not fit, as it makes a query, and none as that is asked."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        with self._parameters_fit():
            return super().get_queryset(request, exclude_parameters)

    def get_results(self, request: HttpRequest) -> None:
        with self._parameters_fit():
            super().get_results(request)

    @contextmanager
    def _parameters_fit(self) -> Iterator[None]:
        try:
            yield
        except NotAllowed:
            raise
        except UNFIT as failure:
            if not self.filter_params:
                raise
            raise IncorrectLookupParameters(failure) from failure


class CheckedSelect(AutocompleteSelect):
    """Shows a form again that was sent with an id that is none; Django's own looks for the row first."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> list[Any]:
        target = self.field.target_field
        return super().optgroups(name, [each for each in value if _fits(target, each)], attr)


def _fits(field: "Field[Any, Any]", value: object) -> bool:
    """Whether the value may be one of that field's."""
    try:
        field.clean(value, None)
    except ValidationError:
        return False
    return True
