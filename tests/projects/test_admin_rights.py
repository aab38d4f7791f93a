"""Every page and action of the admin by its own permission alone, and by all the others together.

Who holds every permission but those that open a page must be kept out: so none of them opens it alone either.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from projects import services
from projects.models import User
from realtime import controls, leases, service_tokens
from realtime.leases import Condition
from realtime.models import BlockedNetwork, OperatorAction
from tests.projects.conftest import Board
from tests.realtime.room_rig import HOLDER, close, connect

pytestmark = pytest.mark.django_db(transaction=True)

OPERATORS = frozenset({"realtime.view_connections", "realtime.disconnect", "realtime.change_policy"})
DISCONNECT = frozenset({"realtime.disconnect"})
POLICY = frozenset({"realtime.change_policy"})
NOBODY: frozenset[str] = frozenset()
# Pages of the site itself that every member of staff may open: they show what each may see.
FOR_ALL_STAFF = {"index", "login", "logout", "password_change", "password_change_done", "jsi18n"}
# Pages that are judged by what they are asked for: test_what_autocomplete_and_shortcuts_show.
BY_OBJECT = {"autocomplete", "view_on_site", "app_list", None}
OWN_PAGES = {
    "policy": OPERATORS,
    "policy_confirm": POLICY,
    "policy_secret": POLICY,
    "realtime_disconnect": DISCONNECT,
    "auth_user_password_change": frozenset({"projects.change_user"}),
    "projects_user_add": frozenset({"projects.add_user"}),
    "realtime_blockednetwork_add": DISCONNECT,
    "realtime_blockednetwork_delete": DISCONNECT,
}
# Django's own rule: who adds a user must be allowed to change one, too.
TOGETHER = {"projects_user_add": {"projects.add_user", "projects.change_user"}}
ACTIONS = {
    "disconnect": DISCONNECT,
    "disconnect_users": DISCONNECT,
    "block_networks": DISCONNECT,
    "log_out_everywhere": frozenset({"projects.change_user"}),
    "revoke": POLICY,
}
CHANGES: dict[str, str] = {"post": "yes", "confirmed": "yes", "reason": "because", "network": "192.0.2.0/24"}


def admitting(name: str) -> frozenset[str]:
    """The permissions each of which opens the page of this name alone."""
    if name in OWN_PAGES:
        return OWN_PAGES[name]
    app, model, page = name.split("_")
    if app == "realtime":
        return NOBODY if page in ("add", "delete") else OPERATORS
    if app == "axes" and page == "add":  # rows that log-ins write
        return NOBODY
    kinds = {"add": ["add"], "delete": ["delete"]}.get(page, ["view", "change"])
    return frozenset(f"{app}.{kind}_{model}" for kind in kinds) & every_permission()


def every_permission() -> frozenset[str]:
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    return frozenset(f"{app}.{codename}" for app, codename in rows)


def staff(held: Iterable[str]) -> Client:
    held = set(held)
    user, made = User.objects.get_or_create(username=f"staff {hash(frozenset(held))}", is_staff=True)
    if made:
        rows = Permission.objects.select_related("content_type")
        user.user_permissions.set(
            row for row in rows if f"{row.content_type.app_label}.{row.codename}" in held
        )
    client = Client()
    client.force_login(user)
    return client


def pages() -> list[str]:
    """The names of all pages of the admin."""
    (found,) = (one for one in get_resolver().url_patterns if str(one.pattern) == "admin/")
    names: list[str | None] = []

    def walk(patterns: Iterable[Any]) -> None:
        for one in patterns:
            if isinstance(one, URLResolver):
                walk(one.url_patterns)
            elif isinstance(one, URLPattern):
                names.append(one.name)

    assert isinstance(found, URLResolver)
    walk(found.url_patterns)
    return [name for name in names if name is not None and name not in FOR_ALL_STAFF | BY_OBJECT]


@pytest.fixture
def rows(board: Board) -> dict[str, Any]:
    """One row of each table that the admin shows, by the model's label."""
    comment = services.comment_create(actor=board.owner, task_id=board.tasks[0].pk, text="Hello")
    ended = connect("eve")
    close(ended)
    live = connect()
    user = services.user_create(username="somebody", password=None)
    Group.objects.create(name="crew")
    operator = services.user_create(username="operator", password=None, is_staff=True, is_superuser=True)
    services.user_log_out_everywhere(user_id=user.pk, actor=operator)
    log_in = {"username": "somebody", "ip_address": "192.0.2.7"}
    AccessAttempt.objects.create(**log_in, failures_since_start=1)
    AccessLog.objects.create(**log_in)
    AccessFailureLog.objects.create(**log_in)
    service_tokens.create(controls.operator_of(operator), "ai", seconds=60)
    BlockedNetwork.objects.create(network="198.51.100.0/24", blocked_at=comment.created_at, blocked_by="x")
    found: dict[str, Any] = {
        "realtime.LiveConnection": live,
        "realtime.EndedConnection": ended,
        "realtime.GatewayProcess": live.gateway,
        "realtime.OperatorAction": OperatorAction.objects.first(),
        "projects.User": user,
        "projects.Comment": comment,
        "projects.Membership": board.membership("viewer"),
    }
    for model in admin.site._registry:
        found.setdefault(model._meta.label, model._default_manager.first())
    assert all(found.values())
    return found


def address(name: str, rows: dict[str, Any]) -> str:
    if name == "auth_user_password_change":
        return reverse(f"admin:{name}", args=[rows["projects.User"].pk])
    if not name.endswith(("_change", "_delete", "_history")):
        return reverse(f"admin:{name}")
    app, model, _ = name.split("_")
    row = rows[apps.get_model(app, model)._meta.label]
    return reverse(f"admin:{name}", args=[row.pk])


def everything(ignored: Iterable[str] = ("sessions.session", "admin.logentry")) -> list[Any]:
    """All rows of all tables, but for who has logged in."""
    found: list[Any] = []
    for model in apps.get_models(include_auto_created=True):
        if not model._meta.proxy and model._meta.managed and model._meta.label_lower not in ignored:
            rows = model._base_manager.order_by("pk")
            found += [model._meta.label, serializers.serialize("json", rows, ensure_ascii=False)]
    return found


def test_no_permission_but_its_own_opens_a_page(rows: dict[str, Any]) -> None:
    every = every_permission()
    others = {name: staff(every - admitting(name)) for name in pages()}
    before = everything()
    for name, client in others.items():
        where = address(name, rows)
        for answer in (client.get(where), client.post(where, CHANGES)):
            assert answer.status_code in (403, 405), (name, answer.status_code)
    assert everything() == before


def test_its_own_permission_opens_a_page(rows: dict[str, Any]) -> None:
    for name in set(pages()) - {"realtime_disconnect"}:  # it takes a POST with a target: test_control_room
        for permission in admitting(name):
            leases.renew(HOLDER, Condition(1, bell_healthy=True, rules_seq=99))  # or nothing is live any more
            answer = staff(TOGETHER.get(name, {permission})).get(address(name, rows))
            assert answer.status_code in (200, 405), (name, permission, answer.status_code)


def test_no_permission_but_its_own_runs_an_action(rows: dict[str, Any]) -> None:
    every = every_permission()
    tried = []
    for model, site in admin.site._registry.items():
        names = [str(getattr(one, "__name__", one)) for one in site.actions or ()]
        for name in ["delete_selected", *names]:
            app, label = model._meta.app_label, model._meta.model_name
            stock = admitting(f"{app}_{label}_delete")
            own = stock if name == "delete_selected" else ACTIONS[name]
            tried.append((staff(every - own), f"/admin/{app}/{label}/", name, rows[model._meta.label]))
    before = everything()
    for client, where, name, row in tried:
        client.post(where, {"action": name, "_selected_action": [row.pk], **CHANGES})
        assert everything() == before, (where, name)
    assert len(tried) > len(ACTIONS)


def test_what_autocomplete_and_shortcuts_show(rows: dict[str, Any]) -> None:
    every = every_permission()
    asked = {"app_label": "projects", "model_name": "membership", "field_name": "user", "term": "some"}
    shown = staff(every).get("/admin/autocomplete/", asked)
    assert [one["text"] for one in shown.json()["results"]] == ["somebody"]
    without = every - {"projects.view_user", "projects.change_user"}
    assert staff(without).get("/admin/autocomplete/", asked).status_code == 403
    for client in (staff(NOBODY), Client()):
        answer = client.get("/admin/projects/")
        assert answer.status_code in (302, 404)
        assert "projects" not in answer.headers.get("Location", "/admin/login/?next=/admin/projects/")[:15]


def test_guests_and_people_without_staff_status_open_nothing(rows: dict[str, Any]) -> None:
    person = Client()
    person.force_login(rows["projects.User"])
    before = everything()
    for name in pages():
        where = address(name, rows)
        for client in (Client(), person):
            for answer in (client.get(where), client.post(where, CHANGES)):
                assert answer.status_code == 302, name
                assert answer.headers["Location"].startswith("/admin/login/"), name
    assert everything() == before
