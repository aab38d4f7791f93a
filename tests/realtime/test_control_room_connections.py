"""The live connections and the history of those that have ended, in the admin, and cutting them off."""

from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from realtime import leases
from realtime.control_room import connections, searching
from realtime.leases import Condition, Holder
from realtime.models import BlockedNetwork, ConnectionRecord, GatewayProcess, OperatorAction
from realtime.targets import Target
from tests.realtime.room_rig import (
    HOLDER,
    PAGES,
    ask,
    asked_target,
    close,
    connect,
    operators_browser,
    order,
    text,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Client:
    return operators_browser()


def test_disconnecting_asks_for_a_reason_and_shows_what_becomes_of_it(operator: Client) -> None:
    chosen, other = connect("ada"), connect("grace")
    asked = ask(operator, "disconnect", chosen)
    assert f"connection {chosen.pk}</strong>: this closes 1 live connection." in asked.content.decode()
    answer = order(operator, asked_target(asked), "lost laptop", follow=True)
    assert "1 still open: waiting for the gateway to confirm" in answer.content.decode()
    close(chosen)
    page = text(operator, answer.redirect_chain[-1][0])
    assert "1 of 1 connection closed" in page
    assert str(other.username) not in page.partition("Connections that it meant")[2]


def test_an_order_to_a_gateway_that_is_gone_says_so(operator: Client) -> None:
    answer = order(operator, Target.connections([str(connect("ada").pk)]), follow=True)
    leases.end(HOLDER)
    assert "1 went with a gateway that is gone" in text(operator, answer.redirect_chain[-1][0])


def test_users_are_disconnected_everywhere_by_one_order(operator: Client) -> None:
    chosen = connect("ada")
    connect("ada")
    asked = ask(operator, "disconnect_users", chosen)
    assert "user ada</strong>: this closes 2 live connections." in asked.content.decode()
    target = asked_target(asked)
    order(operator, target)
    assert not OperatorAction.objects.exists()  # nobody of that id is a user
    ada = get_user_model().objects.create_user("ada", password=None)
    order(operator, Target.users({str(ada.pk): "somebody else"}))
    assert OperatorAction.objects.get().target == "user ada"  # as the server names it
    asked = ask(operator, "disconnect_users", chosen, connect("grace"))
    assert set(asked_target(asked).values) == {"id-of-ada", "id-of-grace"}


def test_all_that_were_found_is_all_that_is_ordered(operator: Client) -> None:
    """Not everybody: the page that asks for the reason knows nothing any more of the search before it."""
    inside = [connect("ada", address="192.0.2.1"), connect("grace", address="192.0.2.2")]
    outside = connect("alan", address="198.51.100.1")
    asked = ask(operator, "disconnect", inside[0], query="?q=192.0.2.0/24", select_across="1")
    assert set(asked_target(asked).values) == {str(one.pk) for one in inside}
    order(operator, asked_target(asked))
    assert str(outside.pk) not in str(OperatorAction.objects.get().new)


def test_an_action_that_was_tampered_with_is_refused_in_words(operator: Client) -> None:
    answer = operator.post(PAGES["live"], {"action": "disconnect", "_selected_action": "abc"}, follow=True)
    assert "Choose live connections of the list" in answer.content.decode()
    everybody = '{"kind":"all","values":[],"label":"user ada"}'
    odd = '{"kind":"connections","values":["abc"],"label":"x"}'
    for target in ("", "[]", "{", everybody, odd, '{"kind":"users","values":["abc"],"label":"x"}'):
        answer = operator.post(f"{PAGES['live']}disconnect/", {"target": target}, follow=True)
        assert "Nobody was disconnected" in answer.content.decode(), target
    assert not OperatorAction.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        *("/admin/realtime/endedconnection/?q=9999-12-31", "/admin/realtime/endedconnection/?ended=%C2%B2"),
        *("/admin/realtime/liveconnection/?transport=%00", "/admin/realtime/liveconnection/?q=%00"),
        *("/admin/realtime/liveconnection/?o=-99", "/admin/realtime/operatoraction/?action=%00"),
        *("/admin/realtime/operatoraction/99/change/", "/admin/realtime/operatoraction/x/change/"),
        *("/admin/realtime/gatewayprocess/?p=-1", "/admin/realtime/blockednetwork/x/change/"),
    ],
)
def test_an_odd_address_is_no_error(operator: Client, address: str) -> None:
    assert operator.get(address).status_code in (200, 302, 400)


def test_nul_characters_are_a_bad_request(operator: Client) -> None:
    form = {"banner": "back\0 soon", "confirmed": "yes", "reason": "a\0 scan"}
    assert operator.post("/admin/policy/confirm/", form).status_code == 400
    assert not OperatorAction.objects.exists()


def test_every_page_of_an_entry_a_block_and_a_gateway_opens(operator: Client) -> None:
    chosen = connect()
    operator.post("/admin/policy/confirm/", {"strict": "on", "confirmed": "yes"})
    operator.post("/admin/realtime/blockednetwork/add/", {"network": "192.0.2.7", "confirmed": "yes"})
    order(operator, Target.connections([str(chosen.pk)]))
    block = BlockedNetwork.objects.get().pk
    for address in (
        *(f"/admin/realtime/operatoraction/{seq}/change/" for seq in (1, 2, 3)),
        "/admin/realtime/operatoraction/1/history/",
        f"/admin/realtime/blockednetwork/{block}/change/",
        f"/admin/realtime/blockednetwork/{block}/delete/",
        "/admin/realtime/gatewayprocess/gateway-one/change/",
        *PAGES.values(),
    ):
        assert operator.get(address).status_code == 200, address


@pytest.fixture
def tuesday() -> datetime:
    return datetime.fromisoformat("2026-11-24T12:00:00+00:00")


def test_who_was_connected_on_tuesday_from_this_network_is_one_search(
    operator: Client, tuesday: datetime
) -> None:
    def ended(username: str, address: str, begin: datetime, hours: float) -> None:
        record = connect(username, address=address)
        end = begin + timedelta(hours=hours)
        ConnectionRecord.objects.filter(pk=record.pk).update(opened_at=begin, closed_at=end, close_code=1000)

    ended("on-tuesday", "192.0.2.7", tuesday, 1)
    ended("over-midnight", "192.0.2.8", tuesday - timedelta(hours=20), 9)
    ended("on-monday", "192.0.2.9", tuesday - timedelta(days=1), 1)
    ended("elsewhere", "198.51.100.1", tuesday, 1)
    found = text(operator, PAGES["ended"], q="192.0.2.0/24 2026-11-24")
    assert "on-tuesday" in found
    assert "over-midnight" in found
    assert "on-monday" not in found
    assert "elsewhere" not in found
    assert "elsewhere" in text(operator, PAGES["ended"], q="elsewhere")
    assert "0 results" in text(operator, PAGES["ended"], q="nobody-at-all")


def test_words_are_names_of_gateways_close_codes_and_guests_too(operator: Client) -> None:
    close(connect("ada"))  # by an operator, with 4403
    record = connect(None)
    close(record)
    ConnectionRecord.objects.filter(pk=record.pk).update(close_code=1000)
    for words, found in (("guest", 1), ("4403", 1), ("4413", 0), ("gateway-o", 2), ("gateway-o guest", 1)):
        counted = f"{found} result{'' if found == 1 else 's'}"
        assert counted in text(operator, PAGES["ended"], q=words), words


def test_the_gateways_that_live_are_found_by_how_their_names_begin_however_many_have_been() -> None:
    for number in range(searching.MOST_GATEWAYS + 1):
        holder = Holder(f"gateway-{number}", "1", "host", number)
        leases.take(holder, Condition(0, bell_healthy=True))
        leases.end(holder)
    GatewayProcess.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    record = connect("ada")  # on gateway-one, the last to come
    found = searching.matching(ConnectionRecord.objects.all(), "gateway-")
    assert [one.pk for one in found] == [record.pk]


def test_guests_are_left_out_of_what_is_done_to_users_and_that_is_said(operator: Client) -> None:
    asked = ask(operator, "disconnect_users", connect("ada"), connect(None))
    assert asked_target(asked).values == ("id-of-ada",)
    assert "Left out: 1 of guests" in asked.content.decode()


def test_the_live_page_costs_the_same_few_queries_however_many_are_there(operator: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            text(operator, PAGES["live"])
        return len(queries)

    connect()
    few = cost()
    for _ in range(20):
        connect()
    assert cost() == few


def test_a_count_that_was_not_taken_to_its_end_says_so(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "COUNTED", 2)
    for _ in range(3):
        close(connect())
    assert "2 or more ended connections" in text(operator, PAGES["ended"])
