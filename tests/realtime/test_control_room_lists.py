"""Lists of the admin whose address or ticks name what no row can have: the list again, and no fault."""

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
    (ENDED, "rooms__contains", "x"),
    (ATTEMPTS, "id__in", "9" * 25),
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


@pytest.mark.logs_errors("ValueError: ours")
def test_a_fault_of_ours_is_not_taken_for_a_parameter(operator: Client, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("ours")

    monkeypatch.setattr("realtime.control_room.connections.BoundedPaginator.count", property(fail))
    with pytest.raises(ValueError, match="ours"):
        operator.get(f"/admin/{LIVE}/")
