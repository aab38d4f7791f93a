"""The tokens of other services: which there are, what for, and that one is no longer accepted."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from realtime import controls
from realtime.control_room.rights import ReadOnly, may_change_policy
from realtime.control_room.wording import moment
from realtime.models import ServiceToken


class ServiceTokenAdmin(ReadOnly, admin.ModelAdmin):
    change_list_template = "realtime/list.html"
    list_display = ("name", "room", "created", "expires", "last_used", "revoked")
    search_fields = ("name", "room", "created_by")
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return may_change_policy(request)

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, chosen: "QuerySet[Any]") -> None:
        operator = controls.operator_of(request.user)
        done = [token.name for token in chosen if controls.revoke_service_token(operator, token.pk)]
        messages.success(
            request, f"No longer accepted: {', '.join(done) or 'none that was accepted before'}."
        )

    @admin.display(description="created, UTC", ordering="created_at")
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
