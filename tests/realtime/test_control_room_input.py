"""What the admin is sent that no row can have: the page again, and no fault of ours."""

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client

from projects import services

pytestmark = pytest.mark.django_db

LIVE, ENDED, ATTEMPTS = "realtime/liveconnection", "realtime/endedconnection", "axes/accessattempt"
UNFIT = [
    (LIVE, "opened_at__year", "0"),
    (LIVE, "opened_at__year", "-1"),
    (LIVE, "opened_at__year", "9" * 25),
    (LIVE, "opened_at__gte", "0001-01-01T00:00:00+14:00"),
    (LIVE, "frames_in__in", "9" * 25),
    (LIVE, "frames_in__in", "9" * 5000),
    (ENDED, "opened_at__in", "2026-01-01,10000-01-01"),
    (ATTEMPTS, "id__in", "9" * 25),
    (ATTEMPTS, "attempt_time__year", "9" * 25),
    (ATTEMPTS, "attempt_time__month", "13"),
    (ATTEMPTS, "attempt_time__lt", "9999-12-31T23:59:59-14:00"),
]


@pytest.fixture
def operator(client: Client) -> Client:
    user = services.user_create(username="operator", password=None, is_staff=True, is_superuser=True)
    client.force_login(user)
    return client


@pytest.mark.parametrize("page,name,value", UNFIT)
def test_a_value_that_no_row_can_have_shows_the_list_without_it(
    operator: Client, page: str, name: str, value: str
) -> None:
    answer = operator.get(f"/admin/{page}/", {name: value})
    if answer.status_code != 200:  # a database may have such a comparison
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/{page}/?e=1")
        assert operator.get(answer["Location"]).status_code == 200


@pytest.mark.parametrize(
    "name",
    ["username__range", "rooms__contains", "opened_at__time", "username__regex", "gateway__pk__iregex"],
)
def test_a_comparison_that_no_list_offers_is_refused(operator: Client, name: str) -> None:
    answer = operator.get(f"/admin/{ENDED}/", {name: "x"})
    assert answer.status_code == 400
    assert f"not by {name.rpartition('__')[2]}" in answer.content.decode()


@pytest.mark.parametrize("tick", ["", "x", "9" * 25, "9" * 5000, "-", "00000000-0000-0000-0000-00000000000g"])
def test_a_tick_that_is_no_id_is_told_on_every_list(operator: Client, tick: str) -> None:
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for more in ({}, {"post": "yes", "confirmed": "yes"}):
            form = {"action": "delete_selected", "_selected_action": [tick], **more}
            answer = operator.post(address, form, follow=True)
            assert answer.status_code == 200, address
            takes_any_text = isinstance(model._meta.pk, models.CharField)
            assert takes_any_text or "of the list" in answer.content.decode(), address


@pytest.mark.parametrize("value", ["x", "9" * 25, "0000-00-00", "[]"])
def test_a_form_with_an_id_that_is_none_is_shown_again(operator: Client, value: str) -> None:
    forms = {
        "membership": ("project", "user"),
        "column": ("project",),
        "task": ("project", "column", "assignee"),
        "comment": ("task",),
    }
    for model, names in forms.items():
        answer = operator.post(f"/admin/projects/{model}/add/", dict.fromkeys(names, value))
        assert answer.status_code == 200, model
        assert set(names) <= set(answer.context["adminform"].form.errors)


@pytest.mark.logs_errors("ValueError: ours")
def test_a_fault_of_ours_is_not_taken_for_a_parameter(operator: Client, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr("realtime.control_room.connections.BoundedPaginator.count", property(fail))
    with pytest.raises(ValueError, match="ours"):
        operator.get(f"/admin/{LIVE}/")
