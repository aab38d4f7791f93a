"""The tokens of other services: which there are, what for, and that one is no longer accepted."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from realtime import controls, service_tokens
from realtime.control_room.rights import ReadOnly, may_change_policy
from realtime.control_room.wording import moment
from realtime.models import ServiceToken


class ServiceTokenAdmin(ReadOnly, admin.ModelAdmin):
    """Revoking asks before, and why. A token is made by `manage.py service_token`: it is shown once."""

    change_list_template = "realtime/list.html"
    list_display = ("name", "bound_to", "created", "expires", "last_used", "revoked")
    search_fields = ("name", "room", "created_by")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return may_change_policy(request)

    @admin.action(description="Revoke the chosen tokens …", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: "QuerySet[Any]") -> HttpResponse | None:
        holding = list(chosen.filter(revoked_at=None))
        if "confirmed" not in request.POST and holding:
            context = {
                **self.admin_site.each_context(request),
                "title": "Revoke tokens of services?",
                "tokens": holding,
                "opts": self.opts,
            }
            return TemplateResponse(request, "realtime/revoke.html", context)
        operator, reason = controls.operator_of(request.user), request.POST.get("reason", "")
        done = [row.name for row in holding if service_tokens.revoke(operator, row.pk, reason)]
        if done:
            messages.success(request, f"No longer accepted, on every gateway: {', '.join(done)}.")
        else:
            messages.info(request, "Nothing to revoke: they were revoked before.")
        return None

    @admin.display(description="for", ordering="room")
    def bound_to(self, token: ServiceToken) -> str:
        return token.room or "any board"

    @admin.display(description="made, UTC", ordering="created_at")
    def created(self, token: ServiceToken) -> str:
        return f"{moment(token.created_at)} by {token.created_by}"

    @admin.display(description="expires, UTC", ordering="expires_at")
    def expires(self, token: ServiceToken) -> str:
        return moment(token.expires_at)

    @admin.display(description="last used, UTC", ordering="last_used_at")
    def last_used(self, token: ServiceToken) -> str:
        return "never" if token.last_used_at is None else moment(token.last_used_at)

    @admin.display(description="revoked, UTC", ordering="revoked_at")
    def revoked(self, token: ServiceToken) -> str:
        return "" if token.revoked_at is None else f"{moment(token.revoked_at)} by {token.revoked_by}"
