"""Django's admin with a control room before it: the overview first, then the stock pages."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse

from realtime.control_room.bounds import bounded
from realtime.control_room.checked import CheckedMixin
from realtime.control_room.rights import may_view


class ControlRoom(AdminSite):
    site_header = site_title = "DevMentor"
    index_title = "Control room"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Every table's pages check what they are sent, also those of other packages."""
        base = admin_class or ModelAdmin
        checked = type(base.__name__, (CheckedMixin, base), {"__module__": base.__module__})
        super().register(model_or_iterable, checked, **options)

    def get_urls(self) -> list[Any]:
        from realtime.control_room import policy_page

        own = [
            path("policy/", self.admin_view(policy_page.page), name="policy"),
            path("policy/confirm/", self.admin_view(policy_page.confirm), name="policy_confirm"),
            path("policy/secret/", self.admin_view(policy_page.drop_secret), name="policy_secret"),
        ]
        # Without a page that no row of ours has, whose pattern reads slashes in quadratic time, for anybody.
        return own + [entry for entry in super().get_urls() if getattr(entry, "name", "") != "view_on_site"]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Every page but the log-in is made by this."""
        return super().admin_view(bounded(view), cacheable)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from realtime.control_room.log_in import LogInForm

        self.login_form = LogInForm
        return super().login(request, extra_context)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The operators' own pages first, and first of those the switches, which are no model's."""
        found = super().get_app_list(request, app_label)
        for app in found:
            if app["app_label"] == "realtime" and may_view(request):
                app["models"].insert(0, _switches())
        return sorted(found, key=lambda app: app["app_label"] != "realtime")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The overview, for operators; for other staff the stock page."""
        from realtime.control_room import overview

        if not may_view(request):
            return super().index(request, extra_context)
        answer = super().index(request, {**(extra_context or {}), **overview.context(request)})
        answer.template_name = "realtime/overview.html"
        return answer


def _switches() -> dict[str, Any]:
    """An entry as Django makes one of a model."""
    address = reverse("admin:policy")
    page = {"name": "Switches and limits", "object_name": "Policy", "admin_url": address, "add_url": None}
    return {**page, "view_only": True, "perms": {}}
