"""Live connections, which refresh themselves and can be cut off, and the history of those that have ended."""

from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode

import orjson
from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from realtime import controls, leases, records
from realtime.characters import escaped
from realtime.control_room.rights import ReadOnly, may_disconnect
from realtime.control_room.searching import HELP, matching
from realtime.control_room.wording import moment
from realtime.models import ConnectionRecord, GatewayProcess
from realtime.targets import Target, TargetKind

COUNTED = 10_000  # rows beyond are not counted: a million would take longer than the page
PER_PAGE = 100
MOST_CHOSEN = 1000
SHOWN = 50
REFRESH_SECONDS = 3


class AtLeast(int):
    """A count that was not taken to its end, and says so."""

    def __str__(self) -> str:
        return f"{int(self):,} or more"


class BoundedPaginator(Paginator):
    """Counts no further than COUNTED: who looks for one among more types words into the search."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        counted = int(rows.order_by()[:COUNTED].count())
        return AtLeast(counted) if counted == COUNTED else counted


class ConnectionAdmin(ReadOnly, admin.ModelAdmin):
    """What both pages have in common."""

    media = forms.Media()  # in the place of Django's script of actions stands our own: rows.js
    change_list_template = "realtime/list.html"
    list_per_page = PER_PAGE
    list_max_show_all = PER_PAGE
    show_full_result_count = False
    paginator = BoundedPaginator
    search_fields = ("username",)  # that there is a search; what it finds is `get_search_results`
    search_help_text = HELP
    list_display_links = ("who",)

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        return matching(queryset, search_term), False

    @admin.display(description="user", ordering="username")
    def who(self, record: ConnectionRecord) -> SafeString:
        return _twofold(record.username or "guest", record.get_credential_display())

    @admin.display(description="address", ordering="address_key")
    def where(self, record: ConnectionRecord) -> SafeString:
        return format_html(
            '{0} <small class="agent" title="{1}">{1}</small>',
            record.address,
            escaped(record.agent) or "no agent",
        )

    @admin.display(description="gateway", ordering="gateway")
    def by_way_of(self, record: ConnectionRecord) -> SafeString:
        return _twofold(record.gateway_id, record.get_transport_display())

    @admin.display(description="rooms")
    def in_rooms(self, record: ConnectionRecord) -> SafeString | str:
        if not record.rooms:
            return "—"
        return format_html('<span title="{}">{}</span>', "\n".join(record.rooms), len(record.rooms))

    @admin.display(description="in / out", ordering="bytes_out")
    def traffic(self, record: ConnectionRecord) -> SafeString:
        sizes = f"{filesizeformat(record.bytes_in)} / {filesizeformat(record.bytes_out)}"
        return _twofold(f"{record.frames_in:,} / {record.frames_out:,} frames", sizes)

    @admin.display(description="since, UTC", ordering="opened_at")
    def since(self, record: ConnectionRecord) -> SafeString:
        return _twofold(moment(record.opened_at), f"heard {date_format(record.last_frame_at, 'H:i:s')}")


def _twofold(first: str, second: str) -> SafeString:
    """A cell with what matters and, smaller, what else there is to say."""
    return format_html("{} <small>{}</small>", escaped(first), escaped(second))


class LiveConnectionAdmin(ConnectionAdmin):
    change_list_template = "realtime/refreshed_list.html"
    list_display = ("who", "where", "by_way_of", "in_rooms", "since", "traffic", "lag")
    list_filter = ("transport", "credential", ("gateway", admin.RelatedOnlyFieldListFilter))
    actions = ("disconnect", "disconnect_users", "block_networks")
    ordering = ("-opened_at",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        gateways = GatewayProcess.objects.filter(leases.live())
        return super().get_queryset(request).filter(closed_at=None, gateway__in=gateways)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if may_disconnect(request) else {}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"refresh_seconds": REFRESH_SECONDS, **(extra_context or {})}
        answer: HttpResponse = super().changelist_view(request, extra)
        return answer

    @admin.action(description="Disconnect …")
    def disconnect(self, request: HttpRequest, chosen: "QuerySet[Any]") -> HttpResponse | None:
        ids = [str(key) for key in chosen.values_list("pk", flat=True)[: MOST_CHOSEN + 1]]
        return self._ask(request, ids, lambda: Target.connections(ids))

    @admin.action(description="Disconnect these users everywhere …")
    def disconnect_users(self, request: HttpRequest, chosen: "QuerySet[Any]") -> HttpResponse | None:
        users = chosen.exclude(user_id=None).order_by().values_list("user_id", "username").distinct()
        names = dict(users[: MOST_CHOSEN + 1])
        guests = chosen.filter(user_id=None).count()
        if not names:
            messages.error(request, "Guests have no user: disconnect the connections, or block the network.")
            return None
        if guests:
            messages.warning(request, f"Left out: {guests} of guests, who have no user.")
        return self._ask(request, names, lambda: Target.users(names))

    @admin.action(description="Block the network …")
    def block_networks(self, request: HttpRequest, chosen: "QuerySet[Any]") -> HttpResponse | None:
        addresses = set(chosen.order_by().values_list("address", flat=True))
        if len(addresses) != 1:
            messages.error(request, "These have several addresses: choose connections of one of them.")
            return None
        query = urlencode({"network": addresses.pop()})
        return HttpResponseRedirect(f"{reverse('admin:realtime_blockednetwork_add')}?{query}")

    def _ask(
        self, request: HttpRequest, chosen: Collection[str], target: Callable[[], Target]
    ) -> HttpResponse | None:
        """Show whom it closes, and ask for the reason. What is shown is what will be ordered."""
        if len(chosen) > MOST_CHOSEN:
            messages.error(
                request, f"Choose {MOST_CHOSEN} at the most; for everybody: manage.py disconnect --all."
            )
            return None
        return self._confirmation(request, target()) if chosen else None

    def _confirmation(self, request: HttpRequest, target: Target) -> TemplateResponse:
        live = records.live().filter(target.records())
        context = {
            **self.admin_site.each_context(request),
            "title": "Disconnect",
            "target": target,
            "stored": orjson.dumps(target.stored()).decode(),
            "count": live.count(),
            "live": live[:SHOWN],
            "opts": self.opts,
        }
        return TemplateResponse(request, "realtime/disconnect.html", context)

    def get_urls(self) -> list[Any]:
        own = path("disconnect/", self.admin_site.admin_view(self.order), name="realtime_disconnect")
        return [own, *super().get_urls()]

    def order(self, request: HttpRequest) -> HttpResponse:
        """Give the order that was shown, and go where its outcome is shown."""
        if request.method != "POST" or not may_disconnect(request):
            raise PermissionDenied
        try:
            target = _shown_target(orjson.loads(request.POST.get("target", "")))
        except (LookupError, TypeError, ValueError, ValidationError):
            messages.error(request, "Nobody was disconnected: choose connections of the list.")
            return HttpResponseRedirect(reverse("admin:realtime_liveconnection_changelist"))
        reason = request.POST.get("reason", "")
        order = controls.disconnect(controls.operator_of(request.user), target, reason)
        return HttpResponseRedirect(reverse("admin:realtime_operatoraction_change", args=[order.seq]))


def _shown_target(stored: Any) -> Target:
    """The target of a form, named anew: what a form says of whom it means is not taken on trust.

    Raises LookupError, TypeError, ValueError, ValidationError.
    """
    values = [str(value) for value in stored["values"]][:MOST_CHOSEN]
    if stored["kind"] == TargetKind.CONNECTIONS and values:
        return Target.connections(values)
    users = get_user_model()._default_manager.filter(pk__in=values)
    names = {str(user.pk): user.get_username() for user in users}
    if stored["kind"] != TargetKind.USERS or not names:
        raise ValueError("expected connections or users")
    return Target.users(names)


class ClosedWhen(admin.SimpleListFilter):
    """How it ended, by the codes that operators ask for."""

    title = "how it ended"
    parameter_name = "ended"
    CODES = (
        ("1000", "the client left (1000)"),
        ("1006", "broke off, or its gateway died (1006)"),
        ("1012", "restart or drain (1012)"),
        ("4000", "real-time off (4000)"),
        ("4401", "log in again (4401)"),
        ("4403", "not allowed (4403)"),
        ("4408", "idle (4408)"),
        ("4413", "too slow (4413)"),
        ("4429", "rate limit (4429)"),
        ("4503", "full (4503)"),
    )

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.CODES

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        value = self.value()
        return queryset.filter(close_code=int(value)) if value in dict(self.CODES) else queryset


class EndedConnectionAdmin(ConnectionAdmin):
    list_display = ("who", "where", "by_way_of", "opened", "closed", "ending", "traffic")
    list_filter = (ClosedWhen, "transport")
    ordering = ("-closed_at",)
    sortable_by = ("who", "where", "opened", "closed")  # what has an index: these are many

    @admin.display(description="opened, UTC", ordering="opened_at")
    def opened(self, record: ConnectionRecord) -> str:
        return moment(record.opened_at)

    @admin.display(description="closed, UTC", ordering="closed_at")
    def closed(self, record: ConnectionRecord) -> str:
        return moment(record.closed_at)

    @admin.display(description="how it ended")
    def ending(self, record: ConnectionRecord) -> SafeString:
        return _twofold(str(record.close_code or "—"), record.close_reason or "")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        return super().get_queryset(request).exclude(closed_at=None)


class GatewayAdmin(ReadOnly, admin.ModelAdmin):
    """Every gateway process that is kept, those that live first."""

    change_list_template = "realtime/refreshed_list.html"
    list_display = (
        *("process", "state", "version", "connections", "resident", "hears", "follows", "started"),
        "renewed",
    )
    ordering = ("-expires_at",)
    list_per_page = PER_PAGE
    search_fields = ("instance", "host")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        live = Case(When(leases.live(), then=True), default=False)
        found: QuerySet[Any] = super().get_queryset(request).annotate(live=live)
        return found

    @admin.display(description="gateway", ordering="instance")
    def process(self, gateway: GatewayProcess) -> SafeString:
        return _twofold(gateway.instance, f"{gateway.host}, process {gateway.pid}")

    @admin.display(description="state", ordering="expires_at")
    def state(self, gateway: Any) -> SafeString | str:
        if gateway.live:
            return "live"
        return _twofold("ended", moment(gateway.ended_at)) if gateway.ended_at else "lease has run out"

    @admin.display(description="memory", ordering="memory")
    def resident(self, gateway: GatewayProcess) -> str:
        return filesizeformat(gateway.memory) if gateway.memory and not gateway.ended_at else "—"

    @admin.display(description="journal in force up to", ordering="rules_seq")
    def follows(self, gateway: GatewayProcess) -> str:
        return "—" if gateway.rules_seq < 0 else f"entry {gateway.rules_seq}"

    @admin.display(description="started, UTC", ordering="started_at")
    def started(self, gateway: GatewayProcess) -> str:
        return moment(gateway.started_at)

    @admin.display(description="lease renewed, UTC", ordering="renewed_at")
    def renewed(self, gateway: GatewayProcess) -> str:
        return moment(gateway.renewed_at)

    @admin.display(description="hears Redis", boolean=True)
    def hears(self, gateway: GatewayProcess) -> bool | None:
        return gateway.bell_healthy if gateway.ended_at is None else None
