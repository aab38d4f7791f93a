"""Lists of the admin, whose addresses and ticks may ask for what no row has: a year 0, an id that is none."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db import DataError, NotSupportedError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

# The value does not fit: says Python, the driver or the server; or the database has no such comparison.
UNFIT = (ValueError, OverflowError, DataError, NotSupportedError)


class CheckedChangeList(ChangeList):
    """Django's own notices what does not fit as it makes a query, and not as the query is carried out."""

    def get_results(self, request: HttpRequest) -> None:
        try:
            super().get_results(request)
        except UNFIT as failure:
            if not self.filter_params:
                raise
            raise IncorrectLookupParameters(failure) from failure


class CheckedListMixin(ModelAdmin):
    """Of every ModelAdmin, by ControlRoom.register.

    Django answers incorrect parameters with the list without them; so are ticks answered that are no ids.
    """

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        return CheckedChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            for tick in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(tick, None)
        except ValidationError:
            messages.error(request, f"Choose {self.opts.verbose_name_plural} of the list.")
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)
