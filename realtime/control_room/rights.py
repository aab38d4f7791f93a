"""Who may do what in the control room. Staff with none of these see none of it."""

from typing import Any

from django.http import HttpRequest

from realtime import controls


def may_view(request: HttpRequest) -> bool:
    """Connections, gateways, the overview and the journal: for all who may act on them, too."""
    return controls.may_view(request.user)


def may_disconnect(request: HttpRequest) -> bool:
    return request.user.has_perm(controls.DISCONNECT)


def may_change_policy(request: HttpRequest) -> bool:
    return request.user.has_perm(controls.POLICY)


class Titled:
    """A ModelAdmin whose list is headed by what it holds."""

    opts: Any

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, **(extra_context or {})})  # type: ignore[misc]


class ReadOnly(Titled):
    """A ModelAdmin that operators look at."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_view(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
