"""The operators' journal, where an order shows what has become of it, and the networks that are blocked."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from realtime import confirmation, controls, database_clock, forecast, journal
from realtime.characters import NotAllowed, check_line
from realtime.control_room.rights import ReadOnly, may_disconnect, may_view
from realtime.control_room.wording import moment, told
from realtime.models import BlockedNetwork, OperatorAction
from realtime.networks import read_address, read_network

SHOWN = 200
KEPT_OUT, OVER = "kept out", "its time is over"


class JournalAdmin(ReadOnly, admin.ModelAdmin):
    change_list_template = "realtime/refreshed_list.html"
    list_display = ("seq", "when", "actor", "what", "reason")
    list_display_links = ("seq", "what")
    list_filter = ("action",)
    search_fields = ("actor", "target", "reason")
    ordering = ("-seq",)
    show_full_result_count = False

    @admin.display(description="when, UTC", ordering="seq")
    def when(self, entry: OperatorAction) -> str:
        return moment(entry.at)

    @admin.display(description="what")
    def what(self, entry: OperatorAction) -> str:
        return told(entry)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """One entry; of an order, which connections it meant and what has become of each."""
        entry = self.get_object(request, unquote(object_id))
        if entry is None or not may_view(request) or request.method not in ("GET", "HEAD"):
            return super().change_view(request, object_id, form_url, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": told(entry),
            "entry": entry,
            "followers": confirmation.followers(entry.seq),
            "is_order": entry.action == journal.DISCONNECT,
            "opts": self.opts,
        }
        if confirmation.target_of(entry) is not None:
            context["outcome"] = confirmation.outcome(entry)
            context["meant"] = confirmation.meant(entry)[:SHOWN]
            context["label"] = entry.target
        return TemplateResponse(request, "realtime/journal_entry.html", context)


class BlockForm(forms.ModelForm):
    """A network to keep out. `until` may be said in hours from now."""

    hours = forms.FloatField(
        required=False,
        min_value=controls.LEAST_HOURS,
        max_value=controls.MOST_HOURS,
        label="For how many hours",
        help_text="Empty: until it is lifted.",
    )

    class Meta:
        model = BlockedNetwork
        fields = ("network", "reason")

    def clean_network(self) -> str:
        try:
            return str(read_network(self.cleaned_data["network"]))
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None

    def clean_reason(self) -> str:
        try:
            check_line(self.cleaned_data["reason"])
        except NotAllowed as wrong:
            raise forms.ValidationError(str(wrong)) from None
        return str(self.cleaned_data["reason"])

    def _get_validation_exclusions(self) -> set[str]:
        found: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*found, "network"}  # blocked again: another end and reason


class InForce(admin.SimpleListFilter):
    """Blocks whose time is over stay in the list until they are deleted."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return (("kept-out", KEPT_OUT), ("over", OVER))

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        in_force = Q(pk__in=controls.blocked())
        found = {"over": queryset.exclude(in_force), "kept-out": queryset.filter(in_force)}
        return found.get(self.value() or "", queryset)


def lifted(network: str) -> str:
    """What has come of lifting a block."""
    wider = controls.blocked_around(network)
    if wider:
        return f"{network} is no longer blocked by itself; it is still within {', '.join(wider)}."
    return f"{network} is let in again, on every gateway within two seconds."


class BlockedNetworkAdmin(ReadOnly, admin.ModelAdmin):
    """Adding blocks, after a dry run; deleting lifts. Both are the controls' work, and in the journal."""

    form = BlockForm
    change_list_template = "realtime/list.html"
    list_display = ("network", "state", "ends", "reason", "begun", "blocked_by")
    list_filter = (InForce,)
    search_fields = ("network", "reason", "blocked_by")
    add_form_template = change_form_template = "realtime/block.html"
    delete_confirmation_template = delete_selected_confirmation_template = "realtime/lift.html"
    readonly_fields = ("until", "blocked_at", "blocked_by")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("network", "reason", *self.readonly_fields) if obj else ("network", "reason", "hours")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if found := actions.get("delete_selected"):
            actions["delete_selected"] = (*found[:2], "Lift the blocks …")
        return actions

    @admin.display(description="until, UTC", ordering="until")
    def ends(self, row: BlockedNetwork) -> str:
        return "it is lifted" if row.until is None else moment(row.until)

    @admin.display(description="blocked, UTC", ordering="blocked_at")
    def begun(self, row: BlockedNetwork) -> str:
        return moment(row.blocked_at)

    @admin.display(description="state")
    def state(self, row: BlockedNetwork) -> str:
        return KEPT_OUT if row.holds else OVER

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_disconnect(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_disconnect(request)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Whom it cuts off is shown before it is done."""
        form = BlockForm(request.POST)
        if request.method != "POST" or not may_disconnect(request) or not form.is_valid():
            return super().add_view(request, form_url, extra_context)
        values = form.cleaned_data
        if "confirmed" not in request.POST:
            return self._confirmation(request, values)
        hours = values["hours"]
        until = database_clock.after(timedelta(hours=hours)) if hours else None
        operator = controls.operator_of(request.user)
        entry = controls.block(operator, values["network"], until=until, reason=values["reason"])
        messages.success(request, f"{entry.target} is kept out, on every gateway within two seconds.")
        return HttpResponseRedirect(reverse("admin:realtime_operatoraction_change", args=[entry.seq]))

    def _confirmation(self, request: HttpRequest, values: dict[str, Any]) -> TemplateResponse:
        cuts = forecast.of_block(values["network"])
        own = read_address(request.META.get("REMOTE_ADDR", ""))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Block {values['network']}?",
            "values": values,
            "cuts": len(cuts),
            "names": [record for record, _ in cuts[:SHOWN]],
            "own": own is not None and own in read_network(values["network"]),
            "before": controls.blocked().filter(network=values["network"]).first(),
            "opts": self.opts,
        }
        return TemplateResponse(request, "realtime/block_confirm.html", context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        reason = request.POST.get("reason", "")
        controls.unblock(controls.operator_of(request.user), obj.network, reason)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        for row in queryset:
            self.delete_model(request, row)
            messages.success(request, lifted(row.network))

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        messages.success(request, lifted(obj_display))
        return HttpResponseRedirect(reverse("admin:realtime_operatoraction_changelist"))

    def log_deletions(self, request: HttpRequest, queryset: "QuerySet[Any]") -> Any:
        """The journal's entries stand in the admin's log already."""

    def log_deletion(self, request: HttpRequest, obj: Any, object_repr: str) -> Any:
        """As above."""
