"""The switches and limits on one page: what each side says, what is in force, whom a change would cut off.

A change is sent to `confirm`, which shows its dry run and asks why; only what is sent from there is done.
Whatever names of settings a form holds, those it sets: the big button for polling is a form of two. The large
form says with which values it was loaded, and sets what is another now: what a colleague has set stays.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from realtime import controls, enforcement, forecast, policy, records, rules, standing
from realtime.characters import NotAllowed
from realtime.control_room.rights import may_change_policy, may_view
from realtime.policy import SETTINGS, Kind, Setting, shown

MOST_NAMES = 30  # of those who would be cut off, shown by name


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How everything stands, and the forms that change it."""
    if not may_view(request):
        raise PermissionDenied
    return _page(request)


@require_POST
def confirm(request: HttpRequest) -> HttpResponse:
    """The dry run of what a form asks for; sent again from there, it is done."""
    if not may_change_policy(request):
        raise PermissionDenied
    asked, errors = read(request)
    if errors:
        messages.error(request, "Nothing was changed: see the fields that are marked.")
        return _page(request, asked=request.POST, errors=errors)
    known = rules.refresh().operators
    changes = {name: value for name, value in asked.items() if known.get(name) != value}
    if not changes:
        messages.info(request, "Nothing to change: it is set so already.")
    elif "confirmed" in request.POST:
        controls.set_policy(controls.operator_of(request.user), changes, request.POST.get("reason", ""))
        messages.success(request, "Done. Every gateway follows within two seconds: see below.")
    else:
        return _confirmation(request, changes)
    return HttpResponseRedirect(reverse("admin:policy"))


@require_POST
def drop_secret(request: HttpRequest) -> HttpResponse:
    """Accept the previous JWT secret no longer; asks before, and says how many sockets live on it."""
    if not may_change_policy(request):
        raise PermissionDenied
    if "confirmed" not in request.POST:
        return TemplateResponse(request, "realtime/drop_secret.html", _secret(request))
    try:
        controls.drop_previous_secret(controls.operator_of(request.user), request.POST.get("reason", ""))
    except ValueError as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, "The previous secret is no longer accepted; its sockets are closed.")
    return HttpResponseRedirect(reverse("admin:policy"))


def read(request: HttpRequest) -> tuple[dict[str, Any], dict[str, str]]:
    """The values a form asks for, by setting, and what is wrong with those that do not hold."""
    asked: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name, setting in SETTINGS.items():
        if name in request.POST and request.POST[name] != request.POST.get(f"was-{name}"):
            text = request.POST[name].strip()
            try:
                asked[name] = setting.parse(text) if text else None
            except NotAllowed as wrong:
                errors[name] = str(wrong)
            except ValueError:
                errors[name] = f"Expected {setting.allowed}, or nothing."
    return asked, errors


def _page(request: HttpRequest, asked: Any = None, errors: dict[str, str] | None = None) -> TemplateResponse:
    stands = standing.of_all()
    by_name = {one.name: one for one in stands}
    context = {
        **_base(request, "Switches and limits"),
        "rows": [_row(one, asked or {}, errors or {}) for one in stands],
        "realtime_on": by_name["realtime"].in_force,
        "banner": by_name["banner"].in_force,
        "behind": [one.instance for one in stands[0].behind],
        "gateways": len(stands[0].gateways),
        "secret": _secret(request) if settings.JWT_SECRET_PREVIOUS else None,
    }
    return TemplateResponse(request, "realtime/policy.html", context, status=400 if errors else 200)


def _row(stands: standing.Standing, asked: Any, errors: dict[str, str]) -> dict[str, Any]:
    setting = stands.setting
    value = _in_form(stands.operators)
    return {
        "stands": stands,
        "setting": setting,
        "kind": setting.kind.name.lower(),
        "value": asked.get(stands.name, value),
        "was": asked.get(f"was-{stands.name}", value),
        "error": errors.get(stands.name),
        "environment": shown(stands.environment, setting) if setting.variable else "",
        "in_force": shown(stands.in_force, setting),
        "by_strict": stands.by_strict,
        "alarming": setting.kind is Kind.SWITCH and stands.in_force is setting.strict,
    }


def _confirmation(request: HttpRequest, changes: dict[str, Any]) -> TemplateResponse:
    cuts = forecast.of_policy(changes)
    own, operators = policy.environment(), rules.known().operators
    before = policy.values_in_force(own, operators)
    after = policy.values_in_force(own, {**operators, **changes})
    rows = [
        {
            "setting": SETTINGS[name],
            "old": shown(operators.get(name), SETTINGS[name]),
            "new": shown(value, SETTINGS[name]),
            "before": shown(before[name], SETTINGS[name]),
            "after": shown(after[name], SETTINGS[name]),
            "overruled": _overruled(SETTINGS[name], own[name], value),
            "name": name,
            "value": _in_form(value),
        }
        for name, value in changes.items()
    ]
    context = {
        **_base(request, "Are you sure?"),
        "rows": rows,
        "cuts": len(cuts),
        "reasons": forecast.by_reason(cuts),
        "polls": sum(reason == enforcement.REALTIME_OFF for _, reason in cuts),
        "names": [(record, reason) for record, reason in cuts[:MOST_NAMES]],
        "more": max(0, len(cuts) - MOST_NAMES),
        "live": records.live().count(),
        "shuts_guests_out": after["require-auth"] and not before["require-auth"],
    }
    return TemplateResponse(request, "realtime/policy_confirm.html", context)


def _in_form(value: Any) -> Any:
    """A value as a form holds it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value is None else value


def _overruled(setting: Setting, environment: Any, value: Any) -> bool:
    """Whether the environment keeps a switch as it is, whatever operators say."""
    return setting.kind is Kind.SWITCH and setting.in_force(environment, value) is not (
        not setting.strict if value is None else value
    )


def _secret(request: HttpRequest) -> dict[str, Any]:
    return {
        **_base(request, "Drop the previous secret?"),
        "accepted": rules.refresh().policy.previous_secret,
        "sockets": records.live().filter(credential="previous").count(),
    }


def _base(request: HttpRequest, title: str) -> dict[str, Any]:
    return {
        **admin.site.each_context(request),
        "title": title,
        "may_change_policy": may_change_policy(request),
    }
