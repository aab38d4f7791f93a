"""The operators' pages, with rows as the gateways write them; real gateways: test_operators, browser/."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from realtime import controls, journal, leases
from realtime.leases import Condition, Holder
from realtime.models import (
    BlockedNetwork,
    ConnectionRecord,
    GatewayProcess,
    OperatorAction,
    PolicySetting,
)
from realtime.targets import Target
from tests.realtime.room_rig import HOLDER, PAGES, connect, operators_browser, order, staff, text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Client:
    return operators_browser()


# --- Who sees what ----------------------------------------------------------------------------------


def test_staff_without_the_permissions_see_none_of_it() -> None:
    connect()
    assert "Nothing unusual" in text(staff("view_connections"), "/admin/")
    client = staff()
    index = text(client, "/admin/")
    assert "Nothing unusual" not in index
    assert "Live connections" not in index
    for name in PAGES.keys() - {"overview"}:
        assert client.get(PAGES[name]).status_code == 403, name
    for address, data in ACTS:
        assert client.post(address, data).status_code == 403, address
    assert not OperatorAction.objects.exists()


ACTS: list[tuple[str, dict[str, Any]]] = [
    ("/admin/policy/confirm/", {"strict": "on", "confirmed": "yes"}),
    ("/admin/policy/secret/", {"confirmed": "yes"}),
    ("/admin/realtime/blockednetwork/add/", {"network": "192.0.2.0/24", "confirmed": "yes"}),
]


def test_who_may_look_may_not_act() -> None:
    chosen = connect()
    client = staff("view_connections")
    for name, address in PAGES.items():
        assert client.get(address).status_code == 200, name
    for address, data in ACTS:
        assert client.post(address, data).status_code == 403, address
    assert order(client, Target.connections([str(chosen.pk)])).status_code == 403
    assert not OperatorAction.objects.exists()
    assert "Everyone to polling" not in text(client, PAGES["overview"])
    assert "Disconnect" not in text(client, PAGES["live"])


def test_who_may_disconnect_may_not_change_policy_and_the_other_way_round() -> None:
    target = Target.connections([str(connect().pk)])
    assert staff("disconnect").post(*ACTS[0]).status_code == 403
    assert order(staff("change_policy"), target).status_code == 403
    assert not OperatorAction.objects.exists()
    assert order(staff("disconnect"), target).status_code == 302
    assert OperatorAction.objects.get().action == journal.DISCONNECT


# --- Switches and limits ----------------------------------------------------------------------------


def test_a_switch_asks_whom_it_would_cut_off_before_it_is_thrown(operator: Client) -> None:
    connect("ada")
    connect(None)
    connect(None)
    asked = operator.post("/admin/policy/confirm/", {"strict": "on"}).content.decode()
    assert "This closes 2 of 3 live connections" in asked
    assert "2: strict mode: log in" in asked
    assert not PolicySetting.objects.exists()
    done = operator.post(
        "/admin/policy/confirm/", {"strict": "on", "confirmed": "yes", "reason": "a scan"}, follow=True
    )
    page = done.content.decode()
    assert "Done." in page
    entry = OperatorAction.objects.get()
    assert (entry.target, entry.old, entry.new, entry.reason) == ("strict", None, True, "a scan")
    assert entry.actor in page  # since when and by whom


def test_what_does_not_hold_is_shown_beside_its_field_and_nothing_is_lost(operator: Client) -> None:
    form = {"max-connections": "many", "banner": "Back at noon", "rate-limit-max": "0"}
    answer = operator.post("/admin/policy/confirm/", form)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Expected a whole number from 1 to 2147483647, or nothing." in page
    assert 'value="many"' in page
    assert 'value="Back at noon"' in page
    assert not PolicySetting.objects.exists()


def test_a_change_that_the_environment_overrules_says_so(operator: Client, settings: Any) -> None:
    settings.STRICT_MODE = True
    asked = operator.post("/admin/policy/confirm/", {"strict": "off"}).content.decode()
    assert "without effect here" in asked
    assert "STRICT_MODE" in asked


def test_the_page_shows_each_side_and_what_is_in_force(operator: Client, settings: Any) -> None:
    settings.RATE_LIMIT_MAX = 77
    operator.post("/admin/policy/confirm/", {"rate-limit-max": "55", "confirmed": "yes"})
    row = text(operator, PAGES["policy"]).partition("Frames in a window")[2].partition("</tr>")[0]
    assert "77 frames" in row
    assert 'value="55"' in row
    assert "55 frames" in row


def test_what_a_colleague_has_set_meanwhile_stays(operator: Client) -> None:
    """The large form holds every setting as it was when it was loaded: what is another now is asked for."""
    operator.post("/admin/policy/confirm/", {"strict": "on", "confirmed": "yes"})
    loaded_before = {"was-strict": "", "strict": "", "was-banner": "", "banner": "Back at noon"}
    operator.post("/admin/policy/confirm/", {**loaded_before, "confirmed": "yes"})
    values = dict(PolicySetting.objects.values_list("name", "value"))
    assert values == {"strict": True, "banner": "Back at noon"}


def test_a_shorter_time_out_says_who_has_been_silent(operator: Client) -> None:
    silent = connect("ada")
    connect("grace", last_frame_at=timezone.now())
    ConnectionRecord.objects.filter(pk=silent.pk).update(last_frame_at=timezone.now() - timedelta(minutes=2))
    asked = operator.post("/admin/policy/confirm/", {"connection-timeout": "60000"}).content.decode()
    assert "This closes 1 of 2 live connections" in asked


def test_a_lower_limit_says_how_many_are_over_it(operator: Client) -> None:
    for _ in range(3):
        connect()
    asked = operator.post("/admin/policy/confirm/", {"max-connections": "1"}).content.decode()
    assert "This closes 2 of 3 live connections" in asked


def test_the_previous_secret_is_dropped_once_it_is_confirmed(operator: Client, settings: Any) -> None:
    settings.JWT_SECRET_PREVIOUS = "the secret of last month, long enough to sign"
    connect("ada", credential="previous")
    connect("grace")
    assert "1 socket" in text(operator, PAGES["policy"])
    asked = operator.post("/admin/policy/secret/", {}).content.decode()
    assert "1 live connection of tokens of the previous secret" in asked
    operator.post("/admin/policy/secret/", {"confirmed": "yes"})
    assert "no longer accepted" in text(operator, PAGES["policy"])


# --- Networks ---------------------------------------------------------------------------------------


def test_a_block_tells_whom_it_cuts_off_and_warns_of_ones_own_network(operator: Client) -> None:
    connect("ada", address="127.0.0.9")
    connect("grace", address="192.0.2.7")
    form = {"network": "127.0.0.0/8", "reason": "a scan", "hours": "2"}
    asked = operator.post("/admin/realtime/blockednetwork/add/", form).content.decode()
    assert "This closes 1 live connection" in asked
    assert "You are in this network yourself" in asked
    assert not BlockedNetwork.objects.exists()
    done = operator.post("/admin/realtime/blockednetwork/add/", {**form, "confirmed": "yes"}, follow=True)
    assert "1 still open: waiting for the gateway to confirm" in done.content.decode()
    row = BlockedNetwork.objects.get()
    assert row.until is not None
    assert timedelta(hours=1.9) < row.until - timezone.now() < timedelta(hours=2.1)
    again = operator.post("/admin/realtime/blockednetwork/add/", form).content.decode()
    assert "It is blocked already, until" in again
    for address in (PAGES["blocked"], f"{PAGES['blocked']}?state=kept-out"):
        assert "127.0.0.0/8" in text(operator, address)
    assert "127.0.0.0/8" not in text(operator, f"{PAGES['blocked']}?state=over")
    assert "1 network is blocked." in text(operator, PAGES["overview"])


@pytest.mark.parametrize("from_the_list", [True, False])
def test_lifting_a_block_says_what_it_does_and_keeps_the_reason(
    operator: Client, from_the_list: bool
) -> None:
    controls.block(controls.command_line(), "192.0.2.0/24")
    key = BlockedNetwork.objects.get().pk
    chosen = {"action": "delete_selected", "_selected_action": key} if from_the_list else {}
    address = PAGES["blocked"] if from_the_list else f"{PAGES['blocked']}{key}/delete/"
    asked = operator.post(address, chosen) if chosen else operator.get(address)
    assert "<h1>Lift the block?</h1>" in asked.content.decode()
    assert "take 192.0.2.0/24 in again</strong>" in asked.content.decode()
    assert BlockedNetwork.objects.exists()
    confirmed = {**chosen, "post": "yes", "reason": "it was the office"}
    assert "Successfully" not in str(staff("view_connections").post(address, confirmed, follow=True).content)
    assert BlockedNetwork.objects.exists()  # who may only look lifts nothing
    done = operator.post(address, confirmed, follow=True).content.decode()
    assert "192.0.2.0/24 is let in again, on every gateway within two seconds." in done
    assert not BlockedNetwork.objects.exists()
    entry = OperatorAction.objects.get(action=journal.UNBLOCK)
    assert (entry.target, entry.reason) == ("192.0.2.0/24", "it was the office")


def test_a_network_that_is_none_is_refused_in_the_form(operator: Client) -> None:
    answer = operator.post("/admin/realtime/blockednetwork/add/", {"network": "office", "confirmed": "yes"})
    assert answer.status_code == 200
    assert "expected an address or a network" in answer.content.decode()


# --- The overview -----------------------------------------------------------------------------------


def test_the_overview_says_in_words_how_it_stands(operator: Client) -> None:
    page = text(operator, PAGES["overview"])
    assert "No gateway is running" in page
    connect("ada")
    connect(None)
    page = text(operator, PAGES["overview"])
    assert "Real-time is on." in page
    assert "1 person and 1 guest on 2 sockets of 1 gateway." in page
    assert "Nothing unusual." in page
    leases.renew(HOLDER, Condition(1, bell_healthy=False, rules_seq=99))
    assert "Not heard over Redis" in text(operator, PAGES["overview"])
    assert "Full, so that more are refused" not in text(operator, PAGES["overview"])
    controls.set_policy(controls.command_line(), {"max-connections": 1})
    assert "Full, so that more are refused with 4503: gateway-one." in text(operator, PAGES["overview"])
    operator.post("/admin/policy/confirm/", {"realtime": "off", "banner": "Soon", "confirmed": "yes"})
    leases.renew(HOLDER, Condition(1, bell_healthy=True, rules_seq=0))
    page = text(operator, PAGES["overview"])
    assert "Real-time is off: everyone polls." in page
    assert "Nothing unusual" not in page
    assert "Have not followed the operators&#x27; last change yet: gateway-one" in page
    assert "Back to live" in page


def test_a_gateway_whose_environment_is_stricter_is_no_reason_to_say_it_holds_everywhere(
    operator: Client,
) -> None:
    connect("ada")
    other = Holder("gateway-two", "1.2.3", "host", 4712)
    leases.take(other, Condition(0, bell_healthy=True, rules_seq=99))
    GatewayProcess.objects.filter(instance="gateway-two").update(environment={"realtime": False})
    page = text(operator, PAGES["overview"])
    assert "Real-time is on, but not on every gateway." in page
    assert "Other switches or limits in their environment: gateway-two." in page


RIGHTS = {"is_active": True, "groups": ["Guests"]}


def test_the_journal_says_in_words_what_was_done(operator: Client) -> None:
    who = controls.command_line()
    controls.set_policy(who, {"strict": True, "max-connections": 5}, "a flood")
    controls.block(who, "192.0.2.0/24")
    controls.unblock(who, "192.0.2.0/24")
    controls.disconnect(who, Target.everybody())
    with controls.noting(who) as entries:
        entries.add("rights", "user ada", old=RIGHTS, new={"is_active": False, "groups": ["Support"]})
        entries.add("log out everywhere", "user ada")
        entries.add("rights", "another version's", old=[], new="strange")
    for address in (PAGES["journal"], PAGES["overview"]):
        page = text(operator, address)
        for words in (
            *("Strict mode: not set → on", "Connections of a gateway: not set → 5 sockets"),
            *("Blocked 192.0.2.0/24 until it is lifted", "Let 192.0.2.0/24 in again"),
            *("Disconnected everybody", "Rights of user ada: groups + Support, − Guests; active on → off"),
            "a flood",
            "Log out everywhere: user ada",
        ):
            assert words in page, words


def test_lifting_a_block_within_a_wider_one_says_that_it_is_still_kept_out(operator: Client) -> None:
    who = controls.command_line()
    controls.block(who, "192.0.2.0/24")
    controls.block(who, "192.0.0.0/16")
    controls.block(who, "192.0.0.0/15", until=timezone.now() - timedelta(hours=1))
    key = BlockedNetwork.objects.get(network="192.0.2.0/24").pk
    page = operator.post(f"{PAGES['blocked']}{key}/delete/", {"post": "yes"}, follow=True).content.decode()
    assert "it is still within 192.0.0.0/16." in page
    form = {"network": "192.0.0.0/15"}
    assert "blocked already" not in operator.post(f"{PAGES['blocked']}add/", form).content.decode()
